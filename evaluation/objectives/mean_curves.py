"""The curves of each objective: the mean over its runs at every step that one of them has reached."""

from collections.abc import Sequence

import numpy as np

from evaluation.objectives.arm import Arm, PlannedRun
from evaluation.objectives.outcome import curves_of
from monitoring.curves import Curve
from monitoring.page.runs import NamedRun
from monitoring.run import Run

_DRAWN = ("validation/", "validation_newest/", "loss/generator/")


def mean_runs(arms: Sequence[Arm], runs: Sequence[PlannedRun]) -> list[NamedRun]:
    """One run for each objective that has curves; a run that diverged counts as far as it came."""
    found = []
    for arm in arms:
        own = [read for run in runs if run.arm is arm and (read := curves_of(run)) is not None]
        if own:
            names = dict.fromkeys(name for run in own for name in run.curves if name.startswith(_DRAWN))
            curves = {name: _mean(name, own) for name in (*names, "seconds")}
            found.append(NamedRun(curves=curves, name=arm.name, folder=runs[0].folder.parent))
    return found


def _mean(name: str, runs: Sequence[Run]) -> Curve:
    curves = [curve for run in runs if len(curve := run.curve(name))]
    steps = np.unique(np.concatenate([curve.steps for curve in curves])) if curves else np.zeros(0, np.int64)
    values = np.full((len(curves), len(steps)), np.nan)
    for row, curve in zip(values, curves, strict=True):
        row[np.searchsorted(steps, curve.steps)] = curve.values
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return Curve(steps, np.divide(sums, count, out=np.full(len(steps), np.nan), where=count > 0))
