"""What the page's script draws, as it is embedded: curves thinned to what can be seen, and charts without words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.report.printable import printable
from monitoring.best import best_of
from monitoring.page.charts import Chart
from monitoring.page.opened import OpenedRun
from monitoring.page.samples import Samples
from monitoring.page.thinning import rounded, thin

MOST_BUCKETS = 500  # of a curve: each has a lowest, a highest and a mean value
_MOST_NUMBERS = 250_000  # of all curves together
_NAME_LENGTH = 80


def run_data(runs: Sequence[OpenedRun]) -> list[dict[str, Any]]:
    """Every run's curves; all that were reported at the same steps share one list of them."""
    curves = sum(len(run.run.curves) for run in runs)
    buckets = min(MOST_BUCKETS, max(50, _MOST_NUMBERS // (3 * curves)))
    return [_run(run, buckets) for run in runs]


def chart_data(chart: Chart, run: int | None) -> dict[str, Any]:
    """A chart; `run` is the place of the one it belongs to, None where all are laid over each other."""
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


def picture_data(runs: Sequence[OpenedRun], samples: Sequence[Samples]) -> list[dict[str, Any]]:
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


def _run(run: OpenedRun, buckets: int) -> dict[str, Any]:
    grids: dict[tuple[int, ...], int] = {}
    curves = {}
    for name, curve in run.run.curves.items():
        if name == "seconds" or not len(curve.steps):
            continue
        thinned = thin(curve, buckets)
        grid = grids.setdefault(tuple(thinned.steps.tolist()), len(grids))
        low, high = (None if edge is None else rounded(edge) for edge in (thinned.low, thinned.high))
        gaps = np.flatnonzero(thinned.gaps).tolist()
        curves[name] = [grid, rounded(thinned.mean), low, high, gaps]
    clock = thin(run.curve("seconds"), MOST_BUCKETS)
    best = best_of(run.run.curves)
    return {
        "name": printable(run.name, _NAME_LENGTH),
        "reference": run.reference,
        "last": run.last_step,
        "best": best and best.step,
        "clock": [clock.steps.tolist(), rounded(clock.mean / 3600)],
        "grids": [list(grid) for grid in grids],
        "curves": curves,
    }
