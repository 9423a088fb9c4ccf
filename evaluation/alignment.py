"""How well the voice knows which frames of a recording say which phoneme.

The alignment search always finds a path from the first phoneme to the last, however little the voice has learned. So
these metrics compare the path with the free choice of each frame: the phoneme under whose prior it is most likely,
whatever its neighbours chose. Where the voice has learned to align, both agree. The same phoneme elsewhere in the
sentence sounds alike, so a frame that chooses that one has chosen its own.

A network that has learned nothing has its likings all the same: most frames choose the same few phonemes, and the path
dwells there. So certainty and order count only by what they are above those of the same recording heard backwards,
which has the same frames and nothing to align. After 3 steps the mean certainty is 0.22 forwards and 0.20 backwards,
and 0.14 and 0.10 for the shipped reference, which has begun to align; coverage is 10 % and 10 %, and 32 % and 23 %.

F frames · N phonemes and pauses (a phoneme with its blanks counts as one)
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from evaluation.metric import Better, Metric, Part, Row
from evaluation.phonemes import Phonemes
from evaluation.rendition import Rendition
from evaluation.subject import Aligned
from models.alignment import search_durations

STRETCHED_SECONDS = 0.5  # the longest vowels of read speech last some 0.3 s
AWAY_SECONDS = 0.1  # that a frame may choose another phoneme before its return is a repetition
_PERCENT = 100


@dataclass(frozen=True, eq=False)
class Alignment:
    """The path, the free choice, and how likely each frame is to belong where the path has it."""

    path: npt.NDArray[np.int64]  # [F], phoneme of each frame, never falling
    choice: npt.NDArray[np.int64]  # [F], the phoneme that the frame would choose for itself
    certainty: npt.NDArray[np.float64]  # [F], posterior probability of the phoneme that `path` says, wherever it stands
    is_sound: npt.NDArray[np.bool_]  # [N]; the others are pauses
    frame_seconds: float

    @classmethod
    def of(cls, aligned: Aligned, phonemes: Phonemes, frame_seconds: float) -> "Alignment":
        """Count in phonemes what was counted in ids."""
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
        """Mean certainty: near 1 where every frame knows its phoneme."""
        return float(self.certainty.mean())

    @property
    def coverage(self) -> float:
        """Share of the phonemes that free choices meet in their order: the longest rising subsequence over N."""
        ends: list[int] = []  # the smallest end of a rising subsequence of each length
        for phoneme in self.choice.tolist():
            place = bisect_left(ends, phoneme)
            ends[place : place + 1] = [phoneme]
        return len(ends) / len(self.is_sound)

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """[N], whether some of its own frames choose it."""
        heard = np.zeros(len(self.is_sound), np.bool_)
        heard[self.path[self.path == self.choice]] = True
        return heard

    @property
    def skipped(self) -> float:
        """Share of the sounds that none of their own frames would choose: they got a place, and are not heard."""
        return float((~self.heard[self.is_sound]).mean())

    @property
    def repeated(self) -> float:
        """Share of the sounds heard that frames choose again after `AWAY_SECONDS` and more of others; else NaN."""
        away = AWAY_SECONDS / self.frame_seconds
        gaps = [np.diff(np.flatnonzero(self.choice == sound)) for sound in np.flatnonzero(self.is_sound & self.heard)]
        return float(np.mean([bool((gap > away).any()) for gap in gaps])) if gaps else float("nan")

    @property
    def stretched(self) -> float:
        """Share of the sounds that the path gives more than `STRETCHED_SECONDS`."""
        seconds = np.bincount(self.path, minlength=len(self.is_sound)) * self.frame_seconds
        return float((seconds[self.is_sound] > STRETCHED_SECONDS).mean())


@dataclass(frozen=True, eq=False)
class Alignments:
    """A recording as it is, and heard backwards."""

    forwards: Alignment
    backwards: Alignment

    @classmethod
    def of(cls, aligned: Aligned, phonemes: Phonemes, frame_seconds: float) -> "Alignments":
        """Search the recording the other way round, too."""
        scores = aligned.scores[::-1].copy()
        lengths = (torch.tensor([size]) for size in scores.shape[::-1])
        frames = search_durations(torch.from_numpy(scores)[None], *lengths)[0].numpy()
        both = (Alignment.of(one, phonemes, frame_seconds) for one in (aligned, Aligned(scores, frames)))
        return cls(*both)

    @property
    def sharpness(self) -> float:
        """Mean certainty above chance: 1 where every frame knows its phoneme, 0 and a little less where none does."""
        return _above(self.forwards.certain, self.backwards.certain)

    @property
    def coverage(self) -> float:
        """Coverage above chance: 1 where free choices meet all phonemes in their order, 0 where that is by chance."""
        return _above(self.forwards.coverage, self.backwards.coverage)


def _above(found: float, chance: float) -> float:
    return (found - chance) / (1 - chance) if chance < 1 else float("nan")


@lru_cache(maxsize=1)  # all metrics of a sentence are taken one after the other
def _alignments(it: Rendition) -> Alignments:
    return Alignments.of(it.aligned, it.phonemes, it.frame_seconds)


def _measure(name: str, unit: str, better: Better, of: Callable[[Alignments], float]) -> Metric:
    def of_rendition(it: Rendition) -> float:
        return of(_alignments(it)) * (_PERCENT if unit == "%" else 1)

    return Metric(name, unit, better, of_rendition, needs=("posterior encoder",))


COVERAGE = "monotonic coverage"
ALIGNMENT = Part(
    "alignment",
    (
        _measure("sharpness", "", "higher", lambda it: it.sharpness),
        _measure(COVERAGE, "%", "higher", lambda it: it.coverage),
        _measure("phonemes skipped", "%", "lower", lambda it: it.forwards.skipped),
        _measure("phonemes repeated", "%", "lower", lambda it: it.forwards.repeated),
        _measure("phonemes stretched", "%", "lower", lambda it: it.forwards.stretched),
    ),
)


def has_aligned(rows: Iterable[Row]) -> bool:
    """Whether coverage is surely above chance, of a voice with these rows; elsewhere its alignment says nothing.

    What is heard a little can be repeated a little only, so no voice is better in that which has not aligned.
    """
    return any(row.key == (ALIGNMENT.title, COVERAGE) and row.interval.low > 0 for row in rows)
