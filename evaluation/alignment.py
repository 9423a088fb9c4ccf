"""Metrics of the alignment: how certainly the voice assigns frames of a recording to phonemes of its text.

Monotonic alignment search always finds a path from the first phoneme to the last, even in an untrained voice. So these
metrics compare the path with the free choice of each frame: the phoneme under whose prior it is most likely, whatever
its neighbours chose. In an aligned voice both agree. A frame that chooses the same phoneme elsewhere in the sentence
counts as choosing its own, because the two sound alike.

An untrained network has biases: most frames choose the same few phonemes, and the path follows them. So sharpness and
coverage are relative to those of the same recording reversed in time, which has the same frames and no alignment.
After 3 steps the mean certainty is 0.22 forwards and 0.20 backwards, and 0.14 and 0.10 for the shipped reference, which
has begun to align; coverage is 10 % and 10 %, and 32 % and 23 %.

F frames · N phonemes and pauses (a phoneme with its blanks counts as one)
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from evaluation.metric import Better, Metric, MetricRow, MetricSection
from evaluation.phonemes import Phonemes
from evaluation.rendition import Rendition
from evaluation.subject import Aligned
from models.alignment import search_durations

STRETCHED_SECONDS = 0.5  # the longest vowels of read speech last some 0.3 s
AWAY_SECONDS = 0.1  # of other phonemes, after which the same one is a repetition
_PERCENT = 100


@dataclass(frozen=True, eq=False)
class FreeAlignment:
    """The path, the free choice, and the certainty of each frame."""

    path: npt.NDArray[np.int64]  # [F], index of the phoneme of each frame, never falling
    choice: npt.NDArray[np.int64]  # [F], the most likely phoneme of each frame
    certainty: npt.NDArray[np.float64]  # [F], posterior probability of the phoneme in `path`, anywhere
    is_sound: npt.NDArray[np.bool_]  # [N]; the others are pauses
    frame_seconds: float

    @classmethod
    def of(cls, aligned: Aligned, phonemes: Phonemes, frame_seconds: float) -> "FreeAlignment":
        """Sum the likelihoods of the ids of each phoneme."""
        scores = np.logaddexp.reduceat(aligned.scores.astype(np.float64), phonemes.starts, axis=1)  # [F, N]
        path = np.repeat(np.arange(len(phonemes.starts)), np.add.reduceat(aligned.frames, phonemes.starts))
        names = np.array(phonemes.names)
        alike = np.where(names[path, None] == names, scores, -np.inf)
        certainty = np.exp(np.logaddexp.reduce(alike, axis=1) - np.logaddexp.reduce(scores, axis=1))
        choice = scores.argmax(axis=1)
        choice = np.where(names[choice] == names[path], path, choice)
        return cls(path, choice, certainty, phonemes.is_sound, frame_seconds)

    @property
    def certain(self) -> float:
        """Mean certainty: near 1 where the alignment is unambiguous."""
        return float(self.certainty.mean())

    @property
    def coverage(self) -> float:
        """Share of the phonemes that free choices have in order: the longest increasing subsequence over N."""
        ends: list[int] = []  # the smallest end of an increasing subsequence of each length
        for phoneme in self.choice.tolist():
            place = bisect_left(ends, phoneme)
            ends[place : place + 1] = [phoneme]
        return len(ends) / len(self.is_sound)

    @property
    def chosen(self) -> npt.NDArray[np.bool_]:
        """[N], whether any of its own frames chooses it."""
        chosen = np.zeros(len(self.is_sound), np.bool_)
        chosen[self.path[self.path == self.choice]] = True
        return chosen

    @property
    def skipped(self) -> float:
        """Share of the sounds that none of their own frames chooses."""
        return float((~self.chosen[self.is_sound]).mean())

    @property
    def repeated(self) -> float:
        """Share of the chosen sounds that frames choose again after `AWAY_SECONDS` of others; NaN without any."""
        away = AWAY_SECONDS / self.frame_seconds
        gaps = [np.diff(np.flatnonzero(self.choice == sound)) for sound in np.flatnonzero(self.is_sound & self.chosen)]
        return float(np.mean([bool((gap > away).any()) for gap in gaps])) if gaps else float("nan")

    @property
    def stretched(self) -> float:
        """Share of the sounds that are longer than `STRETCHED_SECONDS` in the path."""
        seconds = np.bincount(self.path, minlength=len(self.is_sound)) * self.frame_seconds
        return float((seconds[self.is_sound] > STRETCHED_SECONDS).mean())


@dataclass(frozen=True, eq=False)
class Alignments:
    """The alignment of a recording, and of the same recording reversed."""

    forwards: FreeAlignment
    backwards: FreeAlignment

    @classmethod
    def of(cls, aligned: Aligned, phonemes: Phonemes, frame_seconds: float) -> "Alignments":
        """Align the recording in both directions."""
        scores = aligned.scores[::-1].copy()
        lengths = (torch.tensor([size]) for size in scores.shape[::-1])
        frames = search_durations(torch.from_numpy(scores)[None], *lengths)[0].numpy()
        both = (FreeAlignment.of(one, phonemes, frame_seconds) for one in (aligned, Aligned(scores, frames)))
        return cls(*both)

    @property
    def sharpness(self) -> float:
        """Mean certainty relative to chance: 1 where the alignment is unambiguous, about 0 where it is arbitrary."""
        return _above(self.forwards.certain, self.backwards.certain)

    @property
    def coverage(self) -> float:
        """Coverage relative to chance: 1 where free choices have all phonemes in order, about 0 by chance."""
        return _above(self.forwards.coverage, self.backwards.coverage)


def _above(found: float, chance: float) -> float:
    return (found - chance) / (1 - chance) if chance < 1 else float("nan")


@lru_cache(maxsize=1)  # all metrics of a sentence are computed one after the other
def _alignments(it: Rendition) -> Alignments:
    return Alignments.of(it.aligned, it.phonemes, it.frame_seconds)


def _metric(name: str, unit: str, better: Better, of: Callable[[Alignments], float]) -> Metric:
    def of_rendition(it: Rendition) -> float:
        return of(_alignments(it)) * (_PERCENT if unit == "%" else 1)

    return Metric(name, unit, better, of_rendition, needs=("posterior encoder",))


COVERAGE = "monotonic coverage"
ALIGNMENT = MetricSection(
    "alignment",
    (
        _metric("sharpness", "", "higher", lambda it: it.sharpness),
        _metric(COVERAGE, "%", "higher", lambda it: it.coverage),
        _metric("phonemes skipped", "%", "lower", lambda it: it.forwards.skipped),
        _metric("phonemes repeated", "%", "lower", lambda it: it.forwards.repeated),
        _metric("phonemes stretched", "%", "lower", lambda it: it.forwards.stretched),
    ),
)


def has_aligned(rows: Iterable[MetricRow]) -> bool:
    """Whether a voice with these rows has a coverage significantly above chance.

    Without one, its other metrics mean nothing: a phoneme that is never chosen is never repeated either.
    """
    return any(row.key == (ALIGNMENT.title, COVERAGE) and row.interval.low > 0 for row in rows)
