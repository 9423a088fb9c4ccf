"""Where the time of a run goes, other than into training."""

from monitoring.finding import Finding
from monitoring.run import Run
from monitoring.wording import percent, steps_of

MUCH = 0.1  # share of the time; what it would take to train on is a tenth more voice
WAITING = 0.2  # share of the time; a fifth of a device idle


def data_bound(run: Run) -> Finding | None:
    """A device that waits for recordings."""
    waited = run.latest("time/data")
    if waited is None or waited.median <= WAITING:
        return None
    return Finding(
        "data_bound",
        "notice",
        f"{percent(waited.median)} of the time over {steps_of(waited, run.last_step)} went into waiting for data. Put "
        "the recordings on a faster disk, prepare them first (python -m data.prepare), or hold them on the device "
        "(data.hold = 'device').",
    )


def validation_costly(run: Run) -> Finding | None:
    """Validations that take a share of the time which training would use better."""
    return _costly(
        run, "validation", "Raise train.validate_every, or lower data.validation_clips or train.spoken_sentences."
    )


def saving_costly(run: Run) -> Finding | None:
    """Checkpoints that take a share of the time which training would use better."""
    return _costly(run, "saving", "Raise train.checkpoint_every, or choose a faster disk for run.dir.")


def _costly(run: Run, part: str, advice: str) -> Finding | None:
    share = run.latest(f"time/{part}")
    # Validations come every so many reports: the mean counts them, a median might see none.
    if share is None or (taken := float(share.values.mean())) <= MUCH:
        return None
    return Finding(
        f"{part}_costly",
        "notice",
        f"{percent(taken)} of the time over {steps_of(share, run.last_step)} went into {part}. {advice}",
    )
