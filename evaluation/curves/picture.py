"""The curves as one picture, for a mail or a ticket: what the page has, without what moves."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from configs.atomic_file import replacing
from evaluation.curves.charts import Chart, Series, groups
from evaluation.curves.opened import OpenedRun
from evaluation.curves.thinning import thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_BUCKETS = 300
_COLOURS = ("#0b67b2", "#c2500c", "#0f8468", "#8d3f8f", "#8a6d00", "#5a5fd6")  # as the page's
_GREY = "#84898e"


def write_picture(path: Path, runs: Sequence[OpenedRun], reference: OpenedRun | None = None) -> None:
    """Draw the runs over each other, and the reference in grey, as a PNG.

    Raises:
        InputError: the file cannot be written.
    """
    figure = draw(runs, reference)
    with replacing(path) as file:
        figure.savefig(file, dpi=100, format="png")


def draw(runs: Sequence[OpenedRun], reference: OpenedRun | None = None) -> "Figure":
    """A panel for each chart of the page that is not folded away; all judges share one."""
    from matplotlib.figure import Figure  # lazily: it takes a second

    every = [*runs, *([reference] if reference else [])]
    panels = _panels(dict.fromkeys(name for run in every for name in run.run.curves))
    rows = max(1, math.ceil(len(panels) / _COLUMNS))
    figure = Figure(figsize=(18, 2.5 * rows + 0.8))
    figure.subplots_adjust(
        left=0.035, right=0.99, bottom=0.5 / figure.get_figheight(), top=1 - 0.8 / figure.get_figheight(), hspace=0.42
    )
    axes: list[Axes] = np.atleast_1d(figure.subplots(rows, _COLUMNS)).ravel().tolist()
    for axis, chart in zip(axes, panels, strict=False):
        _draw_panel(axis, chart, runs, reference)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("step", fontsize=10)
    title = "  ".join(run.name for run in runs)
    figure.suptitle(title[:150], parse_math=False, fontsize=13)
    return figure


def _panels(names: Collection[str]) -> list[Chart]:
    panels = []
    for group in groups(names):
        if group.title == "Balance of the discriminator" and group.charts:
            # A colour for each judge.
            series = tuple(
                Series(one.curve, chart.title, one.style) for chart in group.charts for one in chart.series
            )
            panels.append(Chart("Judged right: real, and fake dashed", "", "", series, limits=(0.0, 1.0), level=0.5))
        elif not group.folded:
            panels += group.charts
    return panels


def _draw_panel(axis: "Axes", chart: Chart, runs: Sequence[OpenedRun], reference: OpenedRun | None) -> None:
    from matplotlib.ticker import LogFormatter

    axis.set_title(f"{chart.title}, {chart.unit}" if chart.unit else chart.title, loc="left", fontsize=9, parse_math=False)
    axis.tick_params(which="both", labelsize=7)
    axis.grid(alpha=0.3)
    if chart.stacked:
        _stack(axis, chart, runs[0])
        return
    lowest = math.inf
    labels = list(dict.fromkeys(one.label for one in chart.series))
    for place, run in enumerate([*runs, *([reference] if reference else [])]):
        for one in chart.series:
            curve = thin(run.curve(one.curve), _BUCKETS)
            if not np.isfinite(curve.mean).any():
                continue
            lowest = min(lowest, float(np.nanmin(curve.mean)))
            colour = _GREY if run.reference else _COLOURS[(place if len(runs) > 1 else labels.index(one.label)) % 6]
            dashes = "dashed" if run.reference or one.style == "dashes" else "solid"
            if curve.low is not None and curve.high is not None and not run.reference:
                axis.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
            axis.plot(
                curve.steps,
                curve.mean,
                color=colour,
                linestyle=dashes,
                linewidth=1.2,
                marker="." if one.style == "points" and len(curve.steps) <= 60 else None,
                markersize=4,
                label=_label(run, one, chart, alone=len(runs) == 1),
            )
    if chart.limits:
        axis.set_ylim(*chart.limits)  # an upper end that is None stays as the values have it
    elif chart.level is None and lowest > 0 and math.isfinite(lowest):
        axis.set_yscale("log")
        for plain in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            plain(LogFormatter(minor_thresholds=(1.5, 0.6)))
    if chart.level is not None:
        axis.axhline(chart.level, color=_GREY, linewidth=0.8, linestyle="dotted")
    axis.set_xlim(0, max(run.last_step for run in runs) or 1)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=6.5, ncols=2, framealpha=0.6)


def _stack(axis: "Axes", chart: Chart, run: OpenedRun) -> None:
    curves = [thin(run.curve(one.curve), _BUCKETS) for one in chart.series]
    if not len(curves[0].steps) or any(len(curve.steps) != len(curves[0].steps) for curve in curves):
        return
    axis.stackplot(
        curves[0].steps,
        [np.nan_to_num(curve.mean) for curve in curves],
        labels=[one.label for one in chart.series],
        colors=_COLOURS,
        alpha=0.85,
    )
    axis.set_ylim(0, 1)
    axis.legend(fontsize=6.5, ncols=2)


def _label(run: OpenedRun, series: Series, chart: Chart, *, alone: bool) -> str | None:
    """What the legend says; nothing where the title says it, and of two lines of a judge only once."""
    if len(chart.series) > 4 and series.style != "line":
        return None
    if run.reference:
        return run.name if series is chart.series[0] else None
    if not alone:
        return f"{run.name}: {series.label}" if len(chart.series) > 1 else run.name
    return series.label if len(chart.series) > 1 else None
