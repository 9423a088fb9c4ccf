"""Whether what was learnt holds for recordings that were not learnt from."""

from dataclasses import dataclass

import numpy as np

from monitoring.finding import Finding
from monitoring.progress import progress
from monitoring.run import LEAST_VALIDATIONS, Run

EARLY_STEPS = 1000
MEL_RISE = 0.02  # share above its lowest value; validations with the same noise differ by less
MEL_FALL = 0.01  # share that training lost meanwhile
DURATION_RISE = 0.1  # nats per phoneme; of a likelihood, which may be negative, only differences mean something
DURATION_FALL = 0.02  # nats per phoneme that training lost meanwhile
GOOD_MEL = 0.5  # nats; recordings that are copied so well were understood, however much better the others are known
BY_HEART = 1.6  # times the mel distance and the KL divergence of training; good runs stay below 1.2
BEHIND = 0.02  # share by which averaged weights are worse than the newest


@dataclass(frozen=True)
class _Turn:
    """A validation curve that has turned upwards while training went on falling."""

    step: int  # where it was lowest
    lowest: float
    now: float
    training_then: float
    training_now: float


def _turn(run: Run, loss: str) -> _Turn | None:
    validation, training = run.known(f"validation/{loss}", least=2 * LEAST_VALIDATIONS + 1), run.latest(f"loss/{loss}")
    known = run.known(f"loss/{loss}")
    if validation is None or training is None or known is None or run.last_step < EARLY_STEPS:
        return None
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(validation.values, LEAST_VALIDATIONS), axis=1)
    lowest = int(smooth.argmin())
    step = int(validation.steps[lowest + 1])
    span = 0.05 * run.last_step
    then = known.between(step - span, step + span)
    if not len(then):
        return None
    return _Turn(step, float(smooth[lowest]), float(smooth[-1]), then.median, training.median)


def validation_rising(run: Run) -> Finding | None:
    """Copies of recordings that were not learnt from get worse while the others get better: overfitting.

    The KL divergence is left out: it rises in good runs too, while the posterior learns to keep more.
    """
    turn = _turn(run, "mel")
    if (
        turn is None
        or turn.now <= (1 + MEL_RISE) * turn.lowest
        or turn.training_now > (1 - MEL_FALL) * turn.training_then
    ):
        return None
    return Finding(
        "validation_rising",
        "notice",
        f"The mel distance of recordings that are not learnt from was lowest at step {turn.step} ({turn.lowest:.3g} "
        f"nats) and is {turn.now:.3g} now, while that of training fell from {turn.training_then:.3g} to "
        f"{turn.training_now:.3g}: the voice learns its recordings by heart. Stop, or give it more recordings.",
    )


def durations_overfitting(run: Run) -> Finding | None:
    """The duration predictor is the first part to learn by heart (jaywalnut310/glow-tts issue 55)."""
    turn = _turn(run, "duration")
    if (
        turn is None
        or turn.now <= turn.lowest + DURATION_RISE
        or turn.training_now > turn.training_then - DURATION_FALL
    ):
        return None
    return Finding(
        "durations_overfitting",
        "notice",
        f"The duration loss of recordings that are not learnt from was lowest at step {turn.step} ({turn.lowest:.3g} "
        f"nats per phoneme) and is {turn.now:.3g} now, while that of training fell from {turn.training_then:.3g} to "
        f"{turn.training_now:.3g}: rhythms are being learnt by heart. It costs naturalness, no intelligibility; a "
        "higher model.duration_dropout or model.duration_predictor = 'deterministic' holds it back.",
    )


def learnt_by_heart(run: Run) -> Finding | None:
    """A wide gap between recordings that are learnt from and others, in what is heard and in what is read."""
    gaps = {}
    for loss in ("mel", "kl"):
        training, validation = run.latest(f"loss/{loss}"), run.latest(f"validation/{loss}")
        if training is None or validation is None or run.last_step < EARLY_STEPS or not training.median > 0:
            return None
        gaps[loss] = (training.median, validation.median)
    if any(validation <= BY_HEART * training for training, validation in gaps.values()):
        return None
    mel, kl = gaps["mel"], gaps["kl"]
    return Finding(
        "learnt_by_heart",
        "problem" if mel[1] > GOOD_MEL else "notice",
        f"Recordings that are learnt from are copied with a mel distance of {mel[0]:.3g} nats and others with "
        f"{mel[1]:.3g}; the KL divergence is {kl[0]:.3g} and {kl[1]:.3g}: the voice knows its recordings by heart and "
        "nothing else. It needs more recordings, or different ones: look for one that is there again and again.",
    )


def averages_behind(run: Run) -> Finding | None:
    """Averaged weights are worse than the newest while they reach back into a time when all was worse.

    An exponential average of decay d covers about 1 / (1 - d) steps.
    """
    for measure in ("score", "mel"):
        averaged, newest = run.latest(f"validation/{measure}"), run.latest(f"validation_newest/{measure}")
        if averaged and newest and newest.median > 0 and run.last_step >= EARLY_STEPS:
            break
    else:
        return None
    if averaged.median <= (1 + BEHIND) * newest.median:
        return None
    decay = run.config.train.ema_decay if run.config else None
    reach = "" if decay is None or not 0 < decay < 1 else f", which cover about {1 / (1 - decay):.0f} steps,"
    return Finding(
        "averages_behind",
        "notice",
        f"The averaged weights{reach} are worse than the newest ({averaged.median:.3g} against {newest.median:.3g}, "
        f"{measure} of the validation): the run still moves fast, or something pulls it about. Go on, or lower "
        "train.ema_decay.",
    )


def validation_follows(run: Run) -> Finding | None:
    """What holds for the recordings that are learnt from holds for others."""
    training, validation = progress(run, "loss/mel"), progress(run, "validation/mel")
    if training is None or validation is None or run.last_step < EARLY_STEPS:
        return None
    if validation_rising(run) or learnt_by_heart(run) or validation.fallen < 0:
        return None
    return Finding(
        "validation_follows",
        "ok",
        f"Recordings that are not learnt from follow: their mel distance is {validation.now:.3g} nats, that of "
        f"training {training.now:.3g}.",
    )
