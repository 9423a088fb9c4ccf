"""Whether copies of recordings come closer to them: the L1 distance of log-mel spectrograms, in nats.

It starts near 2 and ends near 0.4: a published LJSpeech run of VITS reports 17.8 after 843 400 steps, which is 0.395
times its weight of 45 (jaywalnut310/vits issue 233), and results are called good from 12 to 15 / 45 on, 0.27 to 0.33
(issue 166).
"""

from monitoring.finding import Finding
from monitoring.progress import Progress, progress
from monitoring.run import Run

EARLY_STEPS = 1000
STUCK_MEL = 1.2  # nats; even tiny models pass it within a few hundred steps, and speech above it is a hum
STUCK_FALL = 0.05  # share lost over half of the run, above which a bad start may still come right
PLATEAU_FALL = 0.01  # share lost over half of the run; learning curves of speech lose several percent a doubling
GOOD_MEL = 0.6  # nats; half as much again as where published runs end


def _mel(run: Run) -> Progress | None:
    return progress(run, "validation/mel", "loss/mel") if run.last_step >= EARLY_STEPS else None


def mel_stuck(run: Run) -> Finding | None:
    """A voice that cannot copy what it has just heard will not speak."""
    mel = _mel(run)
    if mel is None or mel.now < STUCK_MEL or mel.fallen > STUCK_FALL:
        return None
    return Finding(
        "mel_stuck",
        "problem",
        f"The mel distance is {mel.now:.3g} nats and was {mel.before:.3g} at step {mel.step}: the voice does not learn "
        "to copy (good runs pass 1 early and end near 0.4). Look at train.learning_rate (the paper's is 2e-4), at "
        "loss.mel (45), and whether the recordings are speech at the right audio.sample_rate.",
    )


def mel_plateaued(run: Run) -> Finding | None:
    """A mel distance that no longer falls, and what that does not mean.

    The L1 distance to one recording has a floor, for the same sentence may be said in many ways; adversarial training
    improves the sound below it (HiFi-GAN, 2020, section 2.3; jaywalnut310/vits issue 14: what the adversarial losses
    still teach does not show in their height).
    """
    mel = _mel(run)
    if mel is None or mel.fallen > PLATEAU_FALL or mel.now >= STUCK_MEL:
        return None
    told = f"The mel distance no longer falls: {mel.before:.3g} nats at step {mel.step} and {mel.now:.3g} now."
    meaning = "This does not mean that the sound no longer improves: listen to two checkpoints and compare."
    if mel.now <= GOOD_MEL:
        return Finding("mel_plateaued", "ok", f"{told} {meaning}")
    return Finding(
        "mel_plateaued",
        "notice",
        f"{told} {meaning} But good runs end near 0.4: a larger model or a smaller train.learning_rate may get on.",
    )


def mel_falling(run: Run) -> Finding | None:
    """Copies that come closer."""
    mel = _mel(run)
    if mel is None or mel.fallen <= PLATEAU_FALL or (mel.now >= STUCK_MEL and mel.fallen <= STUCK_FALL):
        return None
    return Finding(
        "mel_falling",
        "ok",
        f"The mel distance falls: {mel.before:.3g} nats at step {mel.step} and {mel.now:.3g} now (0.4 is a good end).",
    )
