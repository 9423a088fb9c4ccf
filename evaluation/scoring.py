"""The evaluation of a voice, every metric of every held-out sentence, and the comparison of two."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tqdm import tqdm

from configs import InputError
from evaluation.alignment import ALIGNMENT, COVERAGE, has_aligned
from evaluation.metric import Better, Metric, MetricRow, MetricSection
from evaluation.rendition import HeldOutSentence, Rendition
from evaluation.robustness import TextResult
from evaluation.subject import Subject
from metrics.intervals import Interval, paired_test

SIGNIFICANCE = 0.05  # the p-value below which a difference counts


@dataclass(frozen=True)
class Failure:
    """A sentence that the voice could not render, or a recogniser could not process."""

    sentence: str  # its id
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """The results of one voice."""

    voice: str
    step: int | None
    rows: tuple[MetricRow, ...]
    failures: tuple[Failure, ...]  # where these have no value in a row
    hard_texts: tuple[TextResult, ...] = ()  # with --robustness
    sha256: str | None = None  # of the voice's file, as its export states it; None for a run folder
    asr: str | None = None  # that word error rates are by, as it was asked for


def evaluate(
    subject: Subject, sentences: Sequence[HeldOutSentence], parts: Sequence[MetricSection], *, asr: str | None = None
) -> Evaluation:
    """Compute all metrics, sentence by sentence; failures are noted, and the rest goes on."""
    metrics = [(part.title, metric) for part in parts for metric in part.metrics]
    taken = [metric for _, metric in metrics if not _lacking(subject, metric)]
    values: dict[Metric, dict[str, float]] = {metric: {} for _, metric in metrics}
    recorded: dict[Metric, dict[str, float]] = {metric: {} for _, metric in metrics}
    failures: dict[Failure, None] = {}
    for sentence in tqdm(sentences, desc=subject.name, unit="sentence", delay=2, disable=None, leave=False):
        rendition = Rendition(subject, sentence)
        for metric in taken:
            for found, of in ((recorded, metric.of_recording), (values, metric.of)):
                if of is None:
                    continue
                try:
                    value = of(rendition)
                except InputError as error:
                    failures[Failure(sentence.id, str(error))] = None
                    value = math.nan
                found[metric][sentence.id] = value if math.isfinite(value) else math.nan
    rows = [
        MetricRow(
            title,
            metric.name,
            metric.unit,
            metric.better,
            values[metric],
            recorded[metric],
            note=_lacking(subject, metric),
            weights={} if (weight := metric.weight) is None else {one.id: weight(one) for one in sentences},
        )
        for title, metric in metrics
    ]
    return Evaluation(subject.name, subject.step, tuple(rows), tuple(failures), sha256=subject.sha256, asr=asr)


def _lacking(subject: Subject, metric: Metric) -> str:
    """Why a metric cannot be computed for this voice; empty where it can."""
    return next((subject.lacks[need] for need in metric.needs if need in subject.lacks), "")


@dataclass(frozen=True)
class Compared:
    """A metric of two voices."""

    part: str
    name: str
    unit: str
    better: Better
    difference: Interval  # of second minus first; of their distances from the recording where `better` is "recorded"
    p_value: float
    winner: Literal["first", "second"] | None  # None: no significant difference
    withheld: bool = False  # a difference was found, but the winner is not aligned, or its coverage is lower

    @property
    def key(self) -> tuple[str, str]:
        """That of the rows."""
        return self.part, self.name


def compare_evaluations(first: Evaluation, second: Evaluation) -> list[Compared]:
    """Compare two voices by every metric of both, over the sentences that both have a value for.

    A voice does not win a metric of the alignment without an alignment above chance, or with a lower coverage.
    """
    others = {row.key: row for row in second.rows}
    pairs = ((row, others.get(row.key)) for row in first.rows)
    found = [_compare(row, other) for row, other in pairs if other is not None and not (row.note or other.note)]
    covers_more = next((one.winner for one in found if one.key == (ALIGNMENT.title, COVERAGE)), None)
    eligible = {
        "first": covers_more != "second" and has_aligned(first.rows),
        "second": covers_more != "first" and has_aligned(second.rows),
    }
    return [
        replace(one, winner=None, withheld=True)
        if one.part == ALIGNMENT.title and one.winner is not None and not eligible[one.winner]
        else one
        for one in found
    ]


def _compare(first: MetricRow, second: MetricRow) -> Compared:
    sentences = [sentence for sentence in first.values if sentence in second.values]
    test = paired_test(_losses(first, sentences), _losses(second, sentences), weights=first.weights_of(sentences))
    found = test.p_value < SIGNIFICANCE and (test.difference.low > 0 or test.difference.high < 0)
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


def _losses(row: MetricRow, sentences: Sequence[str]) -> list[float]:
    """The compared value of each sentence."""
    if row.better != "recorded":
        return [row.values[sentence] for sentence in sentences]
    return [abs(row.values[sentence] - row.recorded[sentence]) for sentence in sentences]
