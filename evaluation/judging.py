"""A voice judged: every measure of every held-out sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from configs import InputError
from evaluation.held_out import Sentence
from evaluation.measure import Measure, Part, Row
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
    """Take all measures, sentence by sentence; what fails for one sentence is noted, and the rest goes on."""
    measures = [(part.title, measure) for part in parts for measure in part.measures]
    taken = [measure for _, measure in measures if not _lacking(subject, measure)]
    values: dict[Measure, dict[str, float]] = {measure: {} for _, measure in measures}
    recorded: dict[Measure, dict[str, float]] = {measure: {} for _, measure in measures}
    failures: dict[Failure, None] = {}
    for sentence in tqdm(sentences, desc=subject.name, unit="sentence", delay=2, disable=None, leave=False):
        rendition = Rendition(subject, sentence)
        for measure in taken:
            for found, of in ((recorded, measure.of_recording), (values, measure.of)):
                if of is None:
                    continue
                try:
                    found[measure][sentence.id] = _finite(of(rendition))
                except InputError as error:
                    failures[Failure(sentence.id, str(error))] = None
                    found[measure][sentence.id] = math.nan
    rows = [
        Row(
            part=title,
            name=measure.name,
            unit=measure.unit,
            better=measure.better,
            values=values[measure],
            recorded=recorded[measure],
            note=_lacking(subject, measure),
        )
        for title, measure in measures
    ]
    return Evaluation(subject.name, subject.step, tuple(rows), tuple(failures), sha256=subject.sha256)


def _lacking(subject: Subject, measure: Measure) -> str:
    """Why a measure cannot be taken of this voice here; empty where it can."""
    return next((subject.lacks[need] for need in measure.needs if need in subject.lacks), "")


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan
