"""How a run ended, written beside it, and what it has cost until now, read from its metrics."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from configs import InputError
from configs.atomic_file import replacing
from configs.content import UNFIT
from evaluation.objectives.arm import Budget, PlannedRun
from monitoring.curves import Curve
from monitoring.run import Run, read_run

FILE = "outcome.json"
PROCESSOR, CLOCK = "throughput/processor_seconds_per_step", "throughput/seconds_per_step"


@dataclass(frozen=True)
class Outcome:
    """The end of a run. A run that diverged has one, too: it is a result."""

    ended: Literal["finished", "diverged"]
    step: int  # its last one; where it diverged, the one before which the trainer found that
    why: str  # the trainer's sentence where it diverged
    budget: Budget  # that it was trained with


@dataclass(frozen=True)
class Cost:
    """What the training steps of a run took, without validation and saving; NaN where its metrics do not say."""

    steps: int
    processor_seconds: float
    seconds: float
    discriminator_updates: int  # those that were skipped do not count


def read_outcome(run: PlannedRun, budget: Budget) -> Outcome | None:
    """How a run ended; None where it has not ended, or had another budget and may go on."""
    try:
        found = json.loads((run.folder / FILE).read_bytes())
        outcome = Outcome(found["ended"], int(found["step"]), str(found["why"]), Budget(**found["budget"]))
    except (OSError, *UNFIT):
        return None
    return outcome if outcome.budget == budget else None


def write_outcome(run: PlannedRun, outcome: Outcome) -> None:
    """Write it.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    with replacing(run.folder / FILE) as file:
        file.write(json.dumps(asdict(outcome), indent=1).encode())


def read_cost(run: PlannedRun) -> Cost:
    """What a run has cost so far; nothing before its first report."""
    try:
        read = read_run(run.folder)
    except InputError:
        return Cost(0, 0.0, 0.0, 0)
    clock = read.curve(CLOCK)
    if not len(clock):
        return Cost(0, 0.0, 0.0, 0)
    steps = int(clock.steps[-1])
    skipped = _total(read.curve("skipped_updates/discriminator"))
    updates = round((steps - (0.0 if np.isnan(skipped) else skipped)) * run.config.train.discriminator_updates)
    return Cost(steps, _total(read.curve(PROCESSOR)), _total(clock), updates)


def curves_of(run: PlannedRun) -> Run | None:
    """The curves of a run; None before its first report."""
    try:
        return read_run(run.folder)
    except InputError:
        return None


def _total(curve: Curve) -> float:
    """The sum over all steps of a curve of means per step, each of the steps since the point before it."""
    if not len(curve):
        return float("nan")
    return float((curve.values * np.diff(curve.steps, prepend=0)).sum())
