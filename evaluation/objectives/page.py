"""The page of a study: what it found, every metric with its intervals, the curves over each other, and the method."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from configs.atomic_file import replacing
from configs.wording import without_middle
from data.report.web_page import json_for_script, render_page
from evaluation.objectives.arm import PlannedRun
from evaluation.objectives.conclusion import shown
from evaluation.objectives.mean_curves import mean_runs
from evaluation.objectives.results import Comparison, MetricResult, Study
from monitoring.page import page as curves_page
from monitoring.page.charts import Chart, groups
from monitoring.page.drawing_data import chart_data, run_data
from monitoring.page.figures import grouped
from monitoring.page.runs import NamedRun

_HERE = Path(__file__).parent
_CURVES = Path(curves_page.__file__).parent
_LOSSES = ("Mel", "KL", "Duration")  # those that mean the same whatever the objective is
ARROWS = {"lower": "↓", "higher": "↑", "recorded": "≈"}
WIDTH, LABELS, ROW = 340, 128, 20  # of a drawing of intervals, in its own units


@dataclass(frozen=True)
class IntervalRow:
    """One objective in a drawing of intervals; places are in units of the drawing."""

    name: str
    place: float  # vertical
    mean: float
    low: float
    high: float
    runs: tuple[float, ...]
    told: str
    mark: str  # better, worse or nothing


@dataclass(frozen=True)
class IntervalDrawing:
    """A metric of every objective."""

    metric: MetricResult
    rows: tuple[IntervalRow, ...]
    height: int
    ticks: tuple[tuple[float, str], ...]
    reference: float | None  # the place of the reference's mean


def write_page(study: Study, conclusion: Sequence[str], runs: Sequence[PlannedRun], path: Path) -> None:
    """Write the page.

    Raises:
        InputError: the file cannot be written.
    """
    means = mean_runs(list(dict.fromkeys(run.arm for run in runs)), runs)
    charts = _charts(means)
    facts: dict[str, Any] = {
        "version": "",
        "runs": run_data(means),
        "charts": [chart_data(chart, None) for _, own in charts for _, chart in own],
        "pictures": [],
    }
    page = render_page(
        _HERE / "page.html.jinja",
        styles=[_CURVES / "page.css", _HERE / "page.css"],
        scripts=[_CURVES / name for name in ("scales.js", "chart.js", "page.js")],
        filters={"grouped": grouped, "shown": shown, "without_middle": without_middle},
        study=study,
        conclusion=conclusion,
        drawings=[interval_drawing(metric, study) for metric in study.metrics],
        parts=list(dict.fromkeys(metric.part for metric in study.metrics)),
        comparisons={(one.metric, one.objective): one for one in study.comparisons},
        arrows=ARROWS,
        width=WIDTH,
        labels=LABELS,
        means=means,
        charts=charts,
        facts=json_for_script(facts),
    )
    with replacing(path) as file:
        file.write(page.encode("utf-8", "backslashreplace"))


def interval_drawing(metric: MetricResult, study: Study) -> IntervalDrawing:
    """Where the means, intervals and runs of a metric are drawn."""
    values = [
        value
        for name, one in metric.estimates.items()
        for value in (one.low, one.high, one.mean, *metric.by_seed[name])
        if np.isfinite(value)
    ]
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room

    def place(value: float) -> float:
        """The horizontal place of a value."""
        return round(LABELS + (value - low) / (high - low) * (WIDTH - LABELS - 8), 1)

    found = {one.objective: one for one in study.comparisons if one.metric == metric.title}
    rows = tuple(
        IntervalRow(
            name=name,
            place=ROW * number + ROW / 2,
            mean=place(one.mean),
            low=place(one.low if np.isfinite(one.low) else one.mean),
            high=place(one.high if np.isfinite(one.high) else one.mean),
            runs=tuple(place(mean) for mean in metric.by_seed[name]),
            told=f"{shown(one.mean)}, 95 % interval {shown(one.low)} to {shown(one.high)}",
            mark=mark(found.get(name)),
        )
        for number, (name, one) in enumerate(metric.estimates.items())
    )
    ticks = tuple((place(value), shown(value)) for value in np.linspace(low + room, high - room, 3))
    own = metric.estimates.get(study.reference)
    return IntervalDrawing(metric, rows, ROW * len(rows) + 18, ticks, None if own is None else place(own.mean))


def mark(one: Comparison | None) -> str:
    """What is written beside a value."""
    if one is None or not one.larger_than_seeds:
        return ""
    return "better" if one.is_better else "worse"


def _charts(runs: Sequence[NamedRun]) -> list[tuple[str, list[tuple[int, Chart]]]]:
    """The charts with their numbers, under their headings: validation, then losses that can be compared."""
    found: dict[str, list[Chart]] = {"Validation": [], "Losses": []}
    for group in groups(dict.fromkeys(name for run in runs for name in run.curves)):
        charts = list(group.charts)
        if group.title == "Losses":
            charts = [chart for chart in charts if chart.title in _LOSSES]
        if group.title not in found:
            continue
        # The weights that are evaluated: two kinds of lines for each objective would be too many.
        found[group.title] = [
            replace(chart, series=tuple(one for one in chart.series if not one.curve.startswith("validation_newest/")))
            for chart in charts
        ]
    number = itertools.count()
    return [(title, [(next(number), chart) for chart in charts]) for title, charts in found.items() if charts]
