"""What a rule may look at: a run as its folder keeps it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from configs import Config, InputError, load_config
from monitoring.curves import Curve, Curves, read_metrics

LATEST_SHARE = 0.25  # of the steps: what "now" is; a quarter is long beside the noise and short beside the run
LEAST_REPORTS = 5  # a median of fewer says nothing
PAPER_LEARNING_RATE = 2e-4
MOST_USEFUL_RATE = 10 * PAPER_LEARNING_RATE  # longer steps lead no faster anywhere
NO_TEXT_GAIN = 0.01  # nats per frame; while texts tell nothing, validations differ by about 0.001
LEAST_VALIDATIONS = 3  # each of these is a mean over all validation clips already


@dataclass(frozen=True, eq=False)
class Run:
    """The curves of a run, and what is known of its settings and recordings."""

    curves: Curves
    config: Config | None = None
    corpus: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    damaged: Sequence[int] = ()  # lines of metrics.jsonl that could not be read

    @property
    def last_step(self) -> int:
        """The step of the newest line."""
        return max((int(curve.steps[-1]) for curve in self.curves.values() if len(curve)), default=0)

    @property
    def learning(self) -> float:
        """How far the weights have been moved: as many steps of the paper's learning rate would go as far.

        A step of AdamW is about as long as its learning rate, whatever the gradients are (Kingma & Ba, 2015, section
        2.1).
        """
        rate = self.known("pace/learning_rate")
        if rate is None:
            return float(self.last_step)
        useful = rate.values.clip(max=MOST_USEFUL_RATE)
        return float((useful * np.diff(rate.steps, prepend=0)).sum()) / PAPER_LEARNING_RATE

    def known(self, *names: str, least: int = 1) -> Curve | None:
        """The points that are numbers of the first of these curves that has so many; None where none has."""
        for name in names:
            curve = self.curves.get(name)
            if curve is not None and len(points := curve.known) >= least:
                return points
        return None

    def latest(self, *names: str) -> Curve | None:
        """How these scalars are now: the points of the last quarter of the run, and a few at least.

        None where there are too few, where the last quarter has no numbers, and where the newest points are none: what
        was before a run broke is not how it is now.
        """
        for name in names:
            least = LEAST_VALIDATIONS if name.startswith("validation") else LEAST_REPORTS
            if points := self.known(name, least=least):
                within = len(points.between((1 - LATEST_SHARE) * self.last_step, math.inf))
                ended = not np.isfinite(self.curves[name].last(least).values).any()
                if within and not ended:
                    return points.last(max(within, least))
        return None

    def suffixes(self, group: str) -> list[str]:
        """The names in a group of scalars, such as the discriminators of `accuracy_real`, in their order."""
        return [name.removeprefix(f"{group}/") for name in self.curves if name.startswith(f"{group}/")]

    def figure(self, name: str) -> float | None:
        """A figure of the summary of the recordings, where it is there and a number."""
        value = self.corpus.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)


def read_run(folder: Path) -> Run:
    """Read a run folder; settings or a summary of the recordings that are not there, or not readable, are left out.

    Raises:
        InputError: metrics.jsonl cannot be read, holds nothing yet, or is no metrics file.
    """
    metrics = read_metrics(folder / "metrics.jsonl")
    config, corpus = _config(folder / "config.toml"), _corpus(folder / "corpus.json")
    return Run(metrics.curves, config, corpus, folder, metrics.damaged)


def _config(path: Path) -> Config | None:
    try:
        return load_config(path)
    except InputError:  # of another version, perhaps: the curves speak for themselves
        return None


def _corpus(path: Path) -> Mapping[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return summary if isinstance(summary, dict) else {}
