"""The data of the page's script: charts without their texts, and curves thinned to what can be seen.

Plain sub-sampling loses spikes, and means flatten them. So each bucket keeps its lowest, highest and mean value: a
spike of one report is drawn at its full height, and smoothing, which uses the means, is not affected by extremes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.report.web_page import printable
from monitoring.best import best_of
from monitoring.curves import Curve
from monitoring.page.charts import Chart
from monitoring.page.runs import NamedRun
from monitoring.page.samples import Samples

MOST_BUCKETS = 500  # of a curve: each has a lowest, a highest and a mean value
SIGNIFICANT_DIGITS = 5
_MOST_NUMBERS = 250_000  # of all curves together
_NAME_LENGTH = 80


@dataclass(frozen=True)
class Thinned:
    """A curve with one entry for each bucket of steps; low and high are None where a bucket is one value."""

    steps: NDArray[np.int64]  # [K], the middle of each bucket's steps
    mean: NDArray[np.float64]  # [K], of the finite values; NaN where there are none
    low: NDArray[np.float64] | None  # [K]
    high: NDArray[np.float64] | None  # [K]
    gaps: NDArray[np.bool_]  # [K], whether a value of the bucket was NaN


def thin(curve: Curve, buckets: int) -> Thinned:
    """Reduce a curve to at most so many buckets of equal width; one that has no more points stays as it is."""
    steps, values = curve.steps, curve.values
    missing = np.isnan(values)
    if len(steps) <= buckets:
        return Thinned(steps, values, None, None, missing)
    bucket = (steps - steps[0]) * buckets // (steps[-1] - steps[0] + 1)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    counts = np.diff(starts, append=len(steps))
    known = np.add.reduceat(~missing, starts)
    sums = np.add.reduceat(np.where(missing, 0.0, values), starts)
    return Thinned(
        steps=np.add.reduceat(steps, starts) // counts,
        mean=np.divide(sums, known, out=np.full(len(starts), np.nan), where=known > 0),
        low=np.fmin.reduceat(values, starts),
        high=np.fmax.reduceat(values, starts),
        gaps=known < counts,
    )


def rounded(values: NDArray[np.float64]) -> list[float | None]:
    """Values for JSON, with the digits that a drawing can show; NaN becomes None."""
    return [None if value != value else float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.tolist()]


def run_data(runs: Sequence[NamedRun]) -> list[dict[str, Any]]:
    """The curves of every run; those with the same steps share one list of them."""
    curves = sum(len(run.curves) for run in runs)
    buckets = min(MOST_BUCKETS, max(50, _MOST_NUMBERS // (3 * curves)))
    return [_run(run, buckets) for run in runs]


def chart_data(chart: Chart, run: int | None) -> dict[str, Any]:
    """A chart of the run at this index, or of all runs where it is None."""
    return {
        "series": [
            {"curve": one.curve, "label": printable(one.label, _NAME_LENGTH), "style": one.style}
            for one in chart.series
        ],
        "title": printable(chart.title, _NAME_LENGTH),
        "limits": chart.limits,
        "level": chart.level,
        "stacked": chart.stacked,
        "run": run,
    }


def picture_data(runs: Sequence[NamedRun], samples: Sequence[Samples]) -> list[dict[str, Any]]:
    """The pictures of each run that has some."""
    return [
        {
            "run": printable(run.name, _NAME_LENGTH),
            "sentences": [
                {
                    "name": printable(sentence.text or sentence.id, _NAME_LENGTH),
                    "steps": list(sentence.pictures),
                    "pictures": list(sentence.pictures.values()),
                }
                for sentence in shown.sentences
                if sentence.pictures
            ],
        }
        for run, shown in zip(runs, samples, strict=True)
        if shown.pictured
    ]


def _run(run: NamedRun, buckets: int) -> dict[str, Any]:
    grids: dict[tuple[int, ...], int] = {}
    curves = {}
    for name, curve in run.curves.items():
        if name == "seconds" or not len(curve.steps):
            continue
        thinned = thin(curve, buckets)
        grid = grids.setdefault(tuple(thinned.steps.tolist()), len(grids))
        low, high = (None if edge is None else rounded(edge) for edge in (thinned.low, thinned.high))
        gaps = np.flatnonzero(thinned.gaps).tolist()
        curves[name] = [grid, rounded(thinned.mean), low, high, gaps]
    clock = thin(run.curve("seconds"), MOST_BUCKETS)
    best = best_of(run.curves)
    return {
        "name": printable(run.name, _NAME_LENGTH),
        "reference": run.reference,
        "last": run.last_step,
        "best": best and best.step,
        "clock": [clock.steps.tolist(), rounded(clock.mean / 3600)],
        "grids": [list(grid) for grid in grids],
        "curves": curves,
    }
