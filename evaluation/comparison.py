"""Two voices on the same sentences, metric by metric: which is better, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evaluation.alignment import ALIGNMENT, COVERAGE, has_aligned
from evaluation.metric import Better, Row
from evaluation.scoring import Evaluation
from metrics.intervals import Interval, paired_test

LEAST_PROBABLE = 0.05  # the p-value below which a difference is believed


@dataclass(frozen=True)
class Compared:
    """One metric of two voices."""

    part: str
    name: str
    unit: str
    better: Better
    difference: Interval  # of second minus first; of their distances from the recording where `better` is "recorded"
    p_value: float
    winner: Literal["first", "second"] | None  # None: no difference was found, which does not mean that there is none
    withheld: bool = False  # a difference was found, and does not make better what is not aligned, or covers less

    @property
    def key(self) -> tuple[str, str]:
        """As that of the rows."""
        return self.part, self.name


def compare(first: Evaluation, second: Evaluation) -> list[Compared]:
    """Compare what was measured of both, over the sentences that both have a value for.

    No voice has the better alignment that has none above chance, or that surely covers less than the other.
    """
    others = {row.key: row for row in second.rows}
    pairs = ((row, others.get(row.key)) for row in first.rows)
    found = [_compare(row, other) for row, other in pairs if other is not None and not (row.note or other.note)]
    covers_more = next((one.winner for one in found if one.key == (ALIGNMENT.title, COVERAGE)), None)
    believed = {
        "first": covers_more != "second" and has_aligned(first.rows),
        "second": covers_more != "first" and has_aligned(second.rows),
    }
    return [
        replace(one, winner=None, withheld=True)
        if one.part == ALIGNMENT.title and one.winner is not None and not believed[one.winner]
        else one
        for one in found
    ]


def _compare(first: Row, second: Row) -> Compared:
    sentences = [sentence for sentence in first.values if sentence in second.values]
    test = paired_test(_losses(first, sentences), _losses(second, sentences))
    found = test.p_value < LEAST_PROBABLE and (test.difference.low > 0 or test.difference.high < 0)
    second_is_better = (test.difference.mean > 0) == (first.better == "higher")
    return Compared(
        part=first.part,
        name=first.name,
        unit=first.unit,
        better=first.better,
        difference=test.difference,
        p_value=test.p_value,
        winner=None if not found else "second" if second_is_better else "first",
    )


def _losses(row: Row, sentences: Sequence[str]) -> list[float]:
    """What is compared of each sentence."""
    if row.better != "recorded":
        return [row.values[sentence] for sentence in sentences]
    return [abs(row.values[sentence] - row.recorded[sentence]) for sentence in sentences]
