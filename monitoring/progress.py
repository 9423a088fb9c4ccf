"""How far a curve has come over the second half of a run."""

from dataclasses import dataclass

from monitoring.run import Run

_LEAST = 2  # points in each of the two stretches


@dataclass(frozen=True)
class Progress:
    """Medians of the fifth of the run around its half, and of its last fifth."""

    step: int  # half of the run
    before: float
    now: float

    @property
    def fallen(self) -> float:
        """The share of its value that the curve has lost since; negative where it rose."""
        return (self.before - self.now) / abs(self.before) if self.before else 0.0


def progress(run: Run, *names: str) -> Progress | None:
    """The progress of the first of these curves that has points enough."""
    last = run.last_step
    for name in names:
        if curve := run.known(name, least=2 * _LEAST):
            before, now = curve.between(0.4 * last, 0.6 * last), curve.between(0.8 * last, last)
            if len(before) >= _LEAST and len(now) >= _LEAST:
                return Progress(last // 2, before.median, now.median)
    return None
