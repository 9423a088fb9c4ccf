"""A voice judged: every metric of every held-out sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from configs import InputError
from evaluation.held_out import Sentence
from evaluation.metric import Metric, Part, Row
from evaluation.rendition import Rendition
from evaluation.robustness import JudgedText
from evaluation.subject import Subject


@dataclass(frozen=True)
class Failure:
    """What a voice could not do with a sentence, or who listens to it could not."""

    sentence: str  # its id
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """All that was found out about a voice."""

    voice: str
    step: int | None
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]  # where these have no value in a row
    hard_texts: tuple[JudgedText, ...] = ()  # where they were asked for
    sha256: str | None = None  # of the voice's file, as its export states it; None for a run folder


def judge(subject: Subject, sentences: Sequence[Sentence], parts: Sequence[Part]) -> Evaluation:
    """Take all metrics, sentence by sentence; what fails for one sentence is noted, and the rest goes on."""
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
                    found[metric][sentence.id] = _finite(of(rendition))
                except InputError as error:
                    failures[Failure(sentence.id, str(error))] = None
                    found[metric][sentence.id] = math.nan
    rows = [
        Row(
            part=title,
            name=metric.name,
            unit=metric.unit,
            better=metric.better,
            values=values[metric],
            recorded=recorded[metric],
            note=_lacking(subject, metric),
        )
        for title, metric in metrics
    ]
    return Evaluation(subject.name, subject.step, tuple(rows), tuple(failures), sha256=subject.sha256)


def _lacking(subject: Subject, metric: Metric) -> str:
    """Why a metric cannot be taken of this voice here; empty where it can."""
    return next((subject.lacks[need] for need in metric.needs if need in subject.lacks), "")


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan
