"""The key figures of a run, and those of its recordings."""

import math
from typing import Any

import numpy as np

from configs.wording import listed
from data.report.table import KeyFigure
from monitoring.best import NAMES, best_of
from monitoring.run import Run

# Names and formats of the figures in corpus.json; another key is shown as it is.
_CORPUS = {
    "clips": ("Training clips", "{:,.0f}"),
    "validation_clips": ("Validation clips", "{:,.0f}"),
    "hours": ("Hours", "{:.2f}"),
    "speakers": ("Speakers", "{}"),
    "symbols": ("Symbols", "{:,.0f}"),
    "phonemes_per_second": ("Phonemes per second", "{:.1f}"),
    "bandwidth_hz": ("Bandwidth", "{:,.0f} Hz"),
    "loudness_lufs": ("Loudness", "{:.1f} LUFS"),
    "sample_rate": ("Sample rate", "{:,.0f} Hz"),
}
# What is usual.
_USUAL = {"phonemes_per_second": "10 to 16 is usual; a wrong sample rate may hide in that, so listen to a recording"}
_MOST_NAMES = 12


def key_figures(run: Run) -> list[KeyFigure]:
    """Progress, the best validation and throughput."""
    config, step = run.config, run.last_step
    planned = config.train.steps if config is not None and config.train.epochs is None else None
    epochs = run.curve("schedule/epoch").values
    remarks = [f"of {grouped(planned)} planned"] if planned else []
    if len(epochs) and np.isfinite(epochs[-1]):
        remarks.append(f"epoch {grouped(int(epochs[-1]))}")
    figures = [KeyFigure("Step", grouped(step), ", ".join(remarks))]
    clock = run.curve("seconds").values
    if len(clock) and np.isfinite(clock[-1]):
        figures.append(KeyFigure("Training time", duration(clock[-1])))
    metric = "score" if len(run.curve("validation/score")) else "mel"
    name, curve = f"Validation {metric}", run.curve(f"validation/{metric}")
    if (best := best_of(run.curves, metric)) is not None and len(curve.values):
        remark = f"{name.lower()} {best.score:.4g}, {NAMES[best.weights]}"
        figures.append(KeyFigure("Best step", grouped(best.step), remark))
        figures.append(KeyFigure(name, *_beside(float(curve.values[-1]), best.score)))
    throughput = run.curve("throughput/seconds_per_step").values[-20:]
    if np.isfinite(throughput).any():
        seconds = float(np.nanmedian(throughput))
        left = duration((planned - step) * seconds) if planned and planned > step else ""
        figures.append(KeyFigure("Seconds per step", f"{seconds:.3g}", f"{left} to the planned end" if left else ""))
    return figures


def _beside(last: float, lowest: float) -> tuple[str, str]:
    """The last value, and its relative difference from the best."""
    if not math.isfinite(last):
        return "not finite", ""
    worse = (last / lowest - 1) * 100 if lowest > 0 else 0.0
    return f"{last:.4g}", "the best so far" if last <= lowest else f"{worse:.1f} % above the best"


def corpus_figures(run: Run) -> list[KeyFigure]:
    """The summary of the recordings."""
    return [
        _of_corpus(key, value) for key, value in run.corpus.items() if value not in (None, []) and key != "fingerprint"
    ]


def _of_corpus(key: str, value: Any) -> KeyFigure:
    if isinstance(value, (list, tuple)):
        names = [str(one) for one in value]
        return KeyFigure(_CORPUS.get(key, (key, ""))[0], str(len(names)), listed(names, _MOST_NAMES))
    name, form = _CORPUS.get(key, (key, "{}"))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    shown = (form if is_number else "{}").format(value).replace(",", "\u202f" if is_number else ",")
    return KeyFigure(name, shown, _USUAL.get(key, ""))


def grouped(number: int) -> str:
    """A whole number with a narrow space between the thousands."""
    return f"{number:,}".replace(",", "\u202f")


def duration(seconds: float) -> str:
    """A time in its natural unit."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 100 * 3600 else f"{seconds / 86400:.1f} days"
