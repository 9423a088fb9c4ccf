"""The rows of the table: a metric with its unit and direction, and its value for every sentence.

To add a metric, add it to a part in parts.py or alignment.py: intervals, comparison, table and JSON follow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from evaluation.rendition import HeldOutSentence, Rendition
from metrics.intervals import Interval, bootstrap

# Which voice is better: the lower one, the higher one, or the one nearer to the recording of the same sentence.
Better = Literal["lower", "higher", "recorded"]


@dataclass(frozen=True)
class Metric:
    """A number for each sentence."""

    name: str
    unit: str
    better: Better
    of: Callable[[Rendition], float]  # NaN where there is none
    of_recording: Callable[[Rendition], float] | None = None  # the same metric of the recording
    needs: tuple[str, ...] = ()  # what it requires, by the names of `Subject.lacks`
    weight: Callable[[HeldOutSentence], float] | None = None  # of a sentence in the mean; None weighs all alike


@dataclass(frozen=True)
class MetricSection:
    """A part of the table."""

    title: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class MetricRow:
    """A metric of one voice."""

    part: str
    name: str
    unit: str
    better: Better
    values: Mapping[str, float]  # by the id of the sentence; NaN where there is none
    recorded: Mapping[str, float]  # of the recordings; empty where the metric has none
    note: str = ""  # why there are no values
    weights: Mapping[str, float] = field(default_factory=dict)  # in the mean; empty where all sentences weigh alike

    @property
    def key(self) -> tuple[str, str]:
        """Its identity: two parts may have a metric of one name."""
        return self.part, self.name

    @cached_property
    def interval(self) -> Interval:
        """The mean over the sentences."""
        return bootstrap(list(self.values.values()), weights=self.weights_of(self.values))

    @cached_property
    def recorded_interval(self) -> Interval:
        """The mean over the recordings."""
        return bootstrap(list(self.recorded.values()), weights=self.weights_of(self.recorded))

    def weights_of(self, sentences: Iterable[str]) -> list[float]:
        """The weight of each in a mean."""
        return [self.weights.get(sentence, 1.0) for sentence in sentences]
