"""The charts of the page as one PNG, for a mail or a ticket."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from configs.atomic_file import replacing
from monitoring.page.charts import ACCURACY, Chart, Series, groups
from monitoring.page.drawing_data import thin
from monitoring.page.runs import NamedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_BUCKETS = 300
_COLOURS = ("#4877c2", "#f35e11", "#014821", "#4c15a4", "#ba815a", "#5d2a59")  # as the page's
_GREY, _BLACK = "#84898e", "#1d2125"
_LEAST_RATIO = 3.0  # of the highest to the lowest value, for a logarithmic scale

Dashes = Literal["solid", "dashed", "dotted"]


def write_picture(path: Path, runs: Sequence[NamedRun], reference: NamedRun | None = None) -> None:
    """Draw the runs over each other, and the reference in grey, as a PNG.

    Raises:
        InputError: the file cannot be written.
    """
    figure = draw(runs, reference)
    with replacing(path) as file:
        figure.savefig(file, dpi=100, format="png")


def draw(runs: Sequence[NamedRun], reference: NamedRun | None = None) -> "Figure":
    """Draw a panel for each chart that the page does not fold; all sub-discriminators share one."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # lazily: it takes a second
    from matplotlib.lines import Line2D

    every = [*runs, *([reference] if reference else [])]
    panels = _panels(dict.fromkeys(name for run in every for name in run.curves))
    rows = max(1, math.ceil(len(panels) / _COLUMNS))
    height = 2.5 * rows + 1.2
    with mpl.rc_context({"text.parse_math": False, "font.size": 9}):  # names may have dollar signs
        figure = Figure(figsize=(18, height))
        space = {"left": 0.04, "right": 0.985, "bottom": 0.55 / height, "top": 1 - 1.0 / height}
        figure.subplots_adjust(**space, hspace=0.42, wspace=0.16)
        axes: list[Axes] = np.atleast_1d(figure.subplots(rows, _COLUMNS)).ravel().tolist()
        for axis, chart in zip(axes, panels, strict=False):
            axis.set_title(f"{chart.title}, {chart.unit}" if chart.unit else chart.title, loc="left", fontsize=9)
            axis.tick_params(which="both", labelsize=7)
            axis.grid(alpha=0.3)
            (_stack if chart.stacked else _overlay)(axis, chart, every)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        figure.supxlabel("step", fontsize=10)
        figure.suptitle("  ".join(run.name for run in runs)[:150], y=1 - 0.1 / height, fontsize=13)
        if len(every) > 1:
            styles = [_style(run, place, 0, len(runs)) for place, run in enumerate(every)]
            lines = [Line2D([], [], color=colour, linestyle=dashes) for colour, dashes in styles]
            names, top = [run.legend for run in every], 1 - 0.4 / height
            figure.legend(lines, names, loc="upper center", bbox_to_anchor=(0.5, top), ncols=8)
    return figure


def _panels(names: Collection[str]) -> list[Chart]:
    panels = []
    for group in groups(names):
        if group.title == ACCURACY and group.charts:
            series = tuple(Series(one.curve, chart.title, one.style) for chart in group.charts for one in chart.series)
            title = "Discriminator accuracy: recordings, and generated dashed"
            panels.append(Chart(title, "", "", series, limits=(0.0, 1.0), level=0.5))
        elif not group.folded:
            panels += group.charts
    return panels


def _overlay(axis: "Axes", chart: Chart, runs: Sequence[NamedRun]) -> None:
    """Draw a chart of all runs, up to the last step of the longest one that is no reference."""
    own = [run for run in runs if not run.reference]
    last = max(run.last_step for run in own) or 1
    labels = list(dict.fromkeys(one.label for one in chart.series))
    lowest, highest = math.inf, -math.inf
    for place, run in enumerate(runs):
        for one in chart.series:
            curve = thin(run.curve(one.curve).between(-1, last), _BUCKETS)
            if not np.isfinite(curve.mean).any():
                continue
            lowest, highest = min(lowest, np.nanmin(curve.mean)), max(highest, np.nanmax(curve.mean))
            colour, dashes = _style(run, place, labels.index(one.label), len(own), one)
            if curve.low is not None and curve.high is not None and not run.reference:
                axis.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
            dots = "." if one.style.endswith("points") and len(curve.steps) <= 60 and not run.reference else None
            axis.plot(curve.steps, curve.mean, color=colour, linestyle=dashes, linewidth=1.2, marker=dots, markersize=4)
    if chart.limits:
        axis.set_ylim(*chart.limits)  # an end that is None follows the values
    elif chart.level is None and 0 < lowest * _LEAST_RATIO < highest:
        axis.set_yscale("log")
        for formatted in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            formatted(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else "")
    if chart.level is not None:
        axis.axhline(chart.level, color=_GREY, linewidth=0.8, linestyle="dotted")
    axis.set_xlim(0, last)
    if len(labels) == 2 or (len(labels) > 1 and len(own) == 1):  # with several runs, more labels share a colour
        _name_series(axis, chart, labels, len(own))


def _name_series(axis: "Axes", chart: Chart, labels: list[str], own: int) -> None:
    """Add a legend of the kinds of lines; that of the runs' colours is above all panels."""
    from matplotlib.lines import Line2D

    style_of = {one.label: one.style for one in reversed(chart.series)}
    lines = [
        Line2D(
            [],
            [],
            color=_COLOURS[place % len(_COLOURS)] if own == 1 else _BLACK,
            linestyle="dashed" if style_of[label].startswith("dash") else "solid",
            marker="." if style_of[label].endswith("points") else None,
        )
        for place, label in enumerate(labels)
    ]
    axis.legend(lines, labels, fontsize=6.5, ncols=2, framealpha=0.6)


def _stack(axis: "Axes", chart: Chart, runs: Sequence[NamedRun]) -> None:
    """Stack the shares of the first run only, because stacks hide each other."""
    curves = [thin(runs[0].curve(one.curve), _BUCKETS) for one in chart.series]
    if len(curves[0].steps) < 2 or len({len(curve.steps) for curve in curves}) > 1:
        return
    shares = [np.nan_to_num(curve.mean) for curve in curves]
    axis.stackplot(curves[0].steps, shares, labels=[one.label for one in chart.series], colors=_COLOURS, alpha=0.85)
    axis.set_ylim(0, 1)
    axis.legend(fontsize=6.5, ncols=2)


def _style(run: NamedRun, place: int, label: int, own: int, series: Series | None = None) -> tuple[str, Dashes]:
    """Colour and dashes: the colour is that of the run where there are several, else of the series."""
    if run.reference:
        return _GREY, "dotted" if series is not None and series.style != "line" else "dashed"
    colour = _COLOURS[(place if own > 1 else label) % len(_COLOURS)]
    return colour, "dashed" if series is not None and series.style.startswith("dash") else "solid"
