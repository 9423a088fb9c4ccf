"""The one reader of a run folder: for training, for the diagnosis and for the page."""

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from configs import Config, InputError, load_config
from configs.content import object_in
from monitoring.curves import Curve, Curves, MetricsFile, read_events, read_metrics

LATEST_SHARE = 0.25  # of the steps: the window of `Run.latest`, long beside the noise and short beside the run
LEAST_REPORTS = 5  # points for a median
LEAST_VALIDATIONS = 3  # likewise; each is a mean over all validation clips already
PAPER_LEARNING_RATE = 2e-4
MOST_USEFUL_RATE = 10 * PAPER_LEARNING_RATE  # a higher rate does not train faster
NO_TEXT_GAIN = 0.01  # nats per frame; while the text is not used, validations differ by about 0.001

_NO_CURVE = Curve(np.zeros(0, np.int64), np.zeros(0, np.float64))


@dataclass(frozen=True)
class Progress:
    """The median of a curve around half of the run, and over its last fifth."""

    step: int  # half of the run
    before: float
    now: float

    @property
    def fallen(self) -> float:
        """The relative decrease since then; negative where the curve rose."""
        return (self.before - self.now) / abs(self.before) if self.before else 0.0


@dataclass(frozen=True, eq=False)
class Run:
    """The curves of a run, its settings and the summary of its recordings.

    Curves have the present names of `monitoring.tags`, whatever version wrote them.
    """

    curves: Curves
    config: Config | None = None  # None where there is no config.toml that this version can load
    corpus: Mapping[str, Any] = field(default_factory=dict)  # corpus.json
    folder: Path | None = None
    damaged: Sequence[int] = ()  # lines of metrics.jsonl that could not be read
    settings: Mapping[str, str] = field(default_factory=dict)  # config.toml as written: "section.key" to its value

    @property
    def last_step(self) -> int:
        """The step of the newest point of all curves."""
        return max((int(curve.steps[-1]) for curve in self.curves.values() if len(curve)), default=0)

    @property
    def learning(self) -> float:
        """The sum of the learning rates of all steps, in steps at the paper's learning rate.

        An update of AdamW is about as long as its learning rate, whatever the gradients are (Kingma & Ba, 2015, section
        2.1), so this says how far the weights may have moved.
        """
        rate = self.known("schedule/learning_rate")
        if rate is None:
            return float(self.last_step)
        useful = rate.values.clip(max=MOST_USEFUL_RATE)
        return float((useful * np.diff(rate.steps, prepend=0)).sum()) / PAPER_LEARNING_RATE

    def curve(self, name: str) -> Curve:
        """A scalar's curve; an empty one where the run does not have it."""
        return self.curves.get(name, _NO_CURVE)

    def known(self, *names: str, least: int = 1) -> Curve | None:
        """The finite points of the first of these curves that has at least so many; None where none has."""
        for name in names:
            if len(points := self.curve(name).known) >= least:
                return points
        return None

    def latest(self, *names: str) -> Curve | None:
        """The present value of the first of these scalars that has one: its points in the last quarter of the run.

        None where there are too few points for a median, none in the last quarter, or the newest ones are not finite:
        values from before a run diverged are not its present ones.
        """
        for name in names:
            least = LEAST_VALIDATIONS if name.startswith("validation") else LEAST_REPORTS
            if points := self.known(name, least=least):
                within = len(points.between((1 - LATEST_SHARE) * self.last_step, math.inf))
                ended = not np.isfinite(self.curves[name].last(least).values).any()
                if within and not ended:
                    return points.last(max(within, least))
        return None

    def progress(self, *names: str) -> Progress | None:
        """The progress of the first of these curves that has two points in each of the two windows."""
        last = self.last_step
        for name in names:
            if curve := self.known(name, least=4):
                before, now = curve.between(0.4 * last, 0.6 * last), curve.between(0.8 * last, last)
                if len(before) >= 2 and len(now) >= 2:
                    return Progress(last // 2, before.median, now.median)
        return None

    def suffixes(self, group: str) -> list[str]:
        """The names in a group of scalars, such as the sub-discriminators of `discriminator_accuracy/real`."""
        return [name.removeprefix(f"{group}/") for name in self.curves if name.startswith(f"{group}/")]

    def figure(self, name: str) -> float | None:
        """A number of the summary of the recordings; None where it is missing or not finite."""
        value = self.corpus.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)


def read_run(folder: Path) -> Run:
    """Read a run folder: metrics.jsonl (TensorBoard's files where there is none), config.toml and corpus.json.

    A config.toml or corpus.json that is missing or unreadable is left out.

    Raises:
        InputError: the metrics cannot be read, are empty, or are none.
    """
    path = folder / "metrics.jsonl"
    events = not path.exists() and any(folder.glob("*tfevents*"))
    metrics = MetricsFile(read_events(folder)) if events else read_metrics(path)
    return Run(
        metrics.curves,
        _config(folder / "config.toml"),
        object_in(folder / "corpus.json"),
        folder,
        metrics.damaged,
        _settings(folder / "config.toml"),
    )


def _config(path: Path) -> Config | None:
    try:
        return load_config(path)
    except InputError:  # perhaps of another version
        return None


def _settings(path: Path) -> dict[str, str]:
    """The settings of a config.toml of any version, with values as TOML has them."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {
        f"{section}.{key}": value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        for section, values in tree.items()
        if isinstance(values, dict)
        for key, value in values.items()
    }
