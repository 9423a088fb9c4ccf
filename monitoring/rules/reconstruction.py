"""Whether reconstructions come closer to the recordings: the L1 distance of log-mel spectrograms, in nats.

It starts near 2 and ends near 0.4: a published LJSpeech run of VITS reports 17.8 after 843 400 steps, which is 0.395
times its weight of 45 (jaywalnut310/vits issue 233), and results are called good from 12 to 15 / 45 on, 0.27 to 0.33
(issue 166).
"""

from monitoring.finding import Severity, rule
from monitoring.run import Progress, Run

EARLY_STEPS = 1000
STUCK_MEL = 1.2  # nats; even tiny models pass it within a few hundred steps, and speech above it is a hum
STUCK_FALL = 0.05  # relative decrease over half of the run, above which a bad start may still recover
PLATEAU_FALL = 0.01  # relative decrease over half of the run; learning curves of speech fall by several percent
GOOD_MEL = 0.6  # nats; half as much again as where published runs end


def _mel(run: Run) -> Progress | None:
    return run.progress("validation/mel", "loss/generator/mel") if run.last_step >= EARLY_STEPS else None


@rule
def mel_stuck(run: Run) -> tuple[Severity, str] | None:
    """A voice that cannot reconstruct recordings will not speak."""
    mel = _mel(run)
    if mel is None or mel.now < STUCK_MEL or mel.fallen > STUCK_FALL:
        return None
    return "problem", (
        f"The mel distance is {mel.now:.3g} nats and was {mel.before:.3g} at step {mel.step}: the voice does not learn "
        "to reconstruct (good runs pass 1 early and end near 0.4). Look at train.learning_rate (the paper's is 2e-4), "
        "at loss.mel (45), and whether the recordings are speech at the right audio.sample_rate."
    )


@rule
def mel_plateaued(run: Run) -> tuple[Severity, str] | None:
    """A mel distance that no longer falls.

    The L1 distance to one recording has a floor, for the same sentence may be said in many ways; adversarial training
    improves the audio below it (HiFi-GAN, 2020, section 2.3; jaywalnut310/vits issue 14).
    """
    mel = _mel(run)
    if mel is None or mel.fallen > PLATEAU_FALL or mel.now >= STUCK_MEL:
        return None
    told = f"The mel distance no longer falls: {mel.before:.3g} nats at step {mel.step} and {mel.now:.3g} now."
    told += " This does not mean that the audio no longer improves: compare two checkpoints by listening."
    if mel.now <= GOOD_MEL:
        return "ok", told
    return "notice", f"{told} But good runs end near 0.4: try a larger model or a smaller train.learning_rate."


@rule
def mel_falling(run: Run) -> tuple[Severity, str] | None:
    """Reconstructions come closer to the recordings."""
    mel = _mel(run)
    if mel is None or mel.fallen <= PLATEAU_FALL or (mel.now >= STUCK_MEL and mel.fallen <= STUCK_FALL):
        return None
    return "ok", (
        f"The mel distance falls: {mel.before:.3g} nats at step {mel.step} and {mel.now:.3g} now (0.4 is a good end)."
    )
