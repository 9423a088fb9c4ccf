"""The metrics of a study as one PNG, for documents: every objective with its interval and its runs."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from configs.atomic_file import replacing
from configs.wording import without_middle
from data.report.web_page import printable
from evaluation.objectives.page import ARROWS, mark
from evaluation.objectives.results import MetricResult, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_COLOURS = {"": "#3f8f98", "better": "#1f6f78", "worse": "#a3262a"}  # as the page's
_GREY = "#84898e"
_LONGEST_NAME = 28


def write_picture(study: Study, path: Path) -> None:
    """Draw a panel for each metric.

    Raises:
        InputError: the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure  # lazily: it takes a second

    metrics = study.metrics
    rows = max(1, math.ceil(len(metrics) / _COLUMNS))
    with mpl.rc_context({"text.parse_math": False, "font.size": 9}):  # names may have dollar signs
        figure = Figure(figsize=(14, rows * (1.1 + 0.22 * len(study.arms)) + 0.5), layout="constrained")
        axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel().tolist()
        for axis in axes[len(metrics) :]:
            axis.set_visible(False)
        for axis, metric in zip(axes, metrics, strict=False):
            _draw(axis, metric, study)
        figure.suptitle("mean, 95 % interval over seeds and sentences, and each run; ↓ lower is better, ↑ higher")
        with replacing(path) as file:
            figure.savefig(file, dpi=110, format="png")


def _draw(axis: "Axes", metric: MetricResult, study: Study) -> None:
    found = {one.objective: one for one in study.comparisons if one.metric == metric.title}
    for place, (name, one) in enumerate(metric.estimates.items()):
        colour = _COLOURS[mark(found.get(name))]
        if math.isfinite(one.low):
            axis.plot([one.low, one.high], [place, place], color=colour, linewidth=2)
        axis.plot([one.mean], [place], marker="|", markersize=11, markeredgewidth=2.5, color=colour)
        runs = metric.by_seed[name]
        axis.plot(runs, [place] * len(runs), "o", markersize=5, fillstyle="none", color=_GREY, markeredgewidth=0.9)
    if study.reference in metric.estimates:
        axis.axvline(metric.estimates[study.reference].mean, color=_GREY, linewidth=0.8, linestyle="dotted")
    names = [without_middle(printable(name), _LONGEST_NAME) for name in metric.estimates]
    axis.set_yticks(range(len(names)), names, fontsize=8)
    for label, name in zip(axis.get_yticklabels(), metric.estimates, strict=True):
        if marked := mark(found.get(name)):
            label.set(color=_COLOURS[marked], fontweight="bold")
    axis.invert_yaxis()
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", alpha=0.3)
    unit = f", {metric.unit}" if metric.unit else ""
    axis.set_title(f"{ARROWS[metric.better]} {metric.name}{unit}\n{metric.part}", loc="left", fontsize=9)
