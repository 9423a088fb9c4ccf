"""What a row of the table is: a metric with a name and a direction, and its value for every sentence.

To add a metric, add it to the part in copies.py, speech.py or alignment.py: intervals, comparison, table and JSON
follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from evaluation.rendition import Rendition
from metrics.intervals import Interval, bootstrap

# Where the better voice lies: lower, higher, or nearer to the recording of the same sentence.
Better = Literal["lower", "higher", "recorded"]


@dataclass(frozen=True)
class Metric:
    """One number of one sentence."""

    name: str
    unit: str
    better: Better
    of: Callable[[Rendition], float]  # NaN where there is none
    of_recording: Callable[[Rendition], float] | None = None  # the same metric, of the recording
    needs: tuple[str, ...] = ()  # what it cannot do without, by the names of `Subject.lacks`


@dataclass(frozen=True)
class Part:
    """Metrics that are taken of the same sound."""

    title: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Row:
    """A metric of one voice."""

    part: str
    name: str
    unit: str
    better: Better
    values: Mapping[str, float]  # by the id of the sentence; NaN where there is none
    recorded: Mapping[str, float]  # likewise, of the recordings; empty where those have no such metric
    note: str = ""  # why there are no values

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by: two parts may measure the same."""
        return self.part, self.name

    @cached_property
    def interval(self) -> Interval:
        """Its mean over the sentences."""
        return bootstrap(list(self.values.values()))

    @cached_property
    def recorded_interval(self) -> Interval:
        """The mean over the recordings."""
        return bootstrap(list(self.recorded.values()))
