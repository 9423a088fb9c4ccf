"""What time is spent on besides training."""

from monitoring.finding import Severity, percent, rule, steps_of
from monitoring.run import Run

COSTLY = 0.1  # share of the time
WAITING = 0.2  # share of the time in which the device is idle


@rule
def data_bound(run: Run) -> tuple[Severity, str] | None:
    """The device waits for batches."""
    waited = run.latest("time/data")
    if waited is None or waited.median <= WAITING:
        return None
    return "notice", (
        f"Waiting for data took {percent(waited.median)} of the time over {steps_of(waited, run.last_step)}. Put the "
        "recordings on a faster disk, prepare them first (python -m data.prepare), or hold them on the device "
        "(data.hold = 'device')."
    )


@rule
def validation_costly(run: Run) -> tuple[Severity, str] | None:
    """Validation takes much of the time."""
    advice = "Raise train.validate_every, or lower data.validation_clips or train.spoken_sentences."
    return _costly(run, "validation", advice)


@rule
def saving_costly(run: Run) -> tuple[Severity, str] | None:
    """Writing checkpoints takes much of the time."""
    return _costly(run, "saving", "Raise train.checkpoint_every, or choose a faster disk for run.dir.")


def _costly(run: Run, part: str, advice: str) -> tuple[Severity, str] | None:
    share = run.latest(f"time/{part}")
    # A mean, for validations and checkpoints come once in many reports: the median might be 0.
    if share is None or (taken := float(share.values.mean())) <= COSTLY:
        return None
    window = steps_of(share, run.last_step)
    return "notice", f"{part.capitalize()} took {percent(taken)} of the time over {window}. {advice}"
