"""Whether the voice generalises from its training recordings to others."""

from dataclasses import dataclass

import numpy as np

from monitoring.finding import Severity, rule
from monitoring.run import LEAST_VALIDATIONS, Run

EARLY_STEPS = 1000
MEL_RISE = 0.02  # relative, above the lowest value; validations with the same noise differ by less
MEL_FALL = 0.01  # relative, of training meanwhile
DURATION_RISE = 0.1  # nats per phoneme; a log-likelihood may be negative, so only differences count
DURATION_FALL = 0.02  # nats per phoneme, of training meanwhile
GOOD_MEL = 0.5  # nats of validation, below which a gap to training does no harm
MEMORISED = 1.6  # times the mel distance and the KL divergence of training; good runs stay below 1.2
EMA_BEHIND = 0.02  # relative, by which EMA weights are worse than raw weights


@dataclass(frozen=True)
class _Turn:
    """A validation loss that has risen again while the training loss went on falling."""

    step: int  # of the lowest validation loss
    lowest: float
    now: float
    training_then: float
    training_now: float

    def __str__(self) -> str:
        return (
            f"was lowest at step {self.step} ({self.lowest:.3g}) and is {self.now:.3g} now, while that of training "
            f"fell from {self.training_then:.3g} to {self.training_now:.3g}"
        )


def _turn(run: Run, loss: str) -> _Turn | None:
    validation = run.known(f"validation/{loss}", least=2 * LEAST_VALIDATIONS + 1)
    training, known = run.latest(f"loss/generator/{loss}"), run.known(f"loss/generator/{loss}")
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


@rule
def validation_rising(run: Run) -> tuple[Severity, str] | None:
    """The mel distance rises on validation recordings while it falls on training recordings: overfitting.

    The KL divergence does not count: it rises in good runs too, as the posterior encodes more.
    """
    turn = _turn(run, "mel")
    if turn is None or turn.now <= (1 + MEL_RISE) * turn.lowest:
        return None
    if turn.training_now > (1 - MEL_FALL) * turn.training_then:
        return None
    return "notice", f"The mel distance of validation {turn} nats: the voice overfits. Stop, or add recordings."


@rule
def durations_overfitting(run: Run) -> tuple[Severity, str] | None:
    """The duration predictor overfits first (jaywalnut310/glow-tts issue 55)."""
    turn = _turn(run, "duration")
    if turn is None or turn.now <= turn.lowest + DURATION_RISE:
        return None
    if turn.training_now > turn.training_then - DURATION_FALL:
        return None
    return "notice", (
        f"The duration loss of validation {turn} nats per phoneme: the duration predictor overfits. This costs "
        "naturalness, not intelligibility; a higher model.duration_dropout or model.duration_predictor = "
        "'deterministic' reduces it."
    )


@rule
def memorised(run: Run) -> tuple[Severity, str] | None:
    """A wide gap between training and validation, both in the mel distance and in the KL divergence."""
    gaps = {}
    for loss in ("mel", "kl"):
        training, validation = run.latest(f"loss/generator/{loss}"), run.latest(f"validation/{loss}")
        if training is None or validation is None or run.last_step < EARLY_STEPS or not training.median > 0:
            return None
        gaps[loss] = (training.median, validation.median)
    if any(validation <= MEMORISED * training for training, validation in gaps.values()):
        return None
    mel, kl = gaps["mel"], gaps["kl"]
    return "problem" if mel[1] > GOOD_MEL else "notice", (
        f"The mel distance of training recordings is {mel[0]:.3g} nats and that of others {mel[1]:.3g}; the KL "
        f"divergence is {kl[0]:.3g} and {kl[1]:.3g}: the voice has memorised its recordings and does not generalise. "
        "It needs more recordings, or different ones: look for duplicates."
    )


@rule
def ema_behind(run: Run) -> tuple[Severity, str] | None:
    """EMA weights are worse than raw weights while their window reaches back to much worse weights.

    An exponential moving average of decay d covers about 1 / (1 - d) steps.
    """
    for metric in ("score", "mel"):
        ema, raw = run.latest(f"validation/{metric}"), run.latest(f"validation_newest/{metric}")
        if ema and raw and raw.median > 0 and run.last_step >= EARLY_STEPS:
            break
    else:
        return None
    if ema.median <= (1 + EMA_BEHIND) * raw.median:
        return None
    decay = run.config.train.ema_decay if run.config else None
    window = "" if decay is None or not 0 < decay < 1 else f", which cover about {1 / (1 - decay):.0f} steps,"
    return "notice", (
        f"The EMA weights{window} are worse than the raw weights ({ema.median:.3g} and {raw.median:.3g}, {metric} of "
        "validation): the weights still change quickly, or training is unstable. Continue, or lower train.ema_decay."
    )


@rule
def validation_follows(run: Run) -> tuple[Severity, str] | None:
    """The mel distance falls on validation recordings as well."""
    training, validation = run.progress("loss/generator/mel"), run.progress("validation/mel")
    if training is None or validation is None or run.last_step < EARLY_STEPS:
        return None
    if validation_rising(run) or memorised(run) or validation.fallen < 0:
        return None
    return "ok", (
        f"Validation follows training: its mel distance is {validation.now:.3g} nats, that of training "
        f"{training.now:.3g}."
    )
