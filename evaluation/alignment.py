"""How well the voice knows which frames of a recording say which phoneme.

The alignment search always finds a path from the first phoneme to the last, however little the voice has learned. So
these measures compare the path with the free choice of each frame: the phoneme under whose prior it is most likely,
whatever its neighbours chose. Where the voice has learned to align, both agree. The same phoneme elsewhere in the
sentence sounds alike, so a frame that chooses that one has chosen its own.

F frames · N phonemes and pauses (a phoneme with its blanks counts as one)
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.measure import Better, Measure, Part
from evaluation.phonemes import Phonemes
from evaluation.rendition import Rendition
from evaluation.subject import Aligned

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
    def sharpness(self) -> float:
        """Mean certainty: near 1 where every frame knows its phoneme, the share of its ids where none does."""
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
    def skipped(self) -> float:
        """Share of the sounds that none of their own frames would choose: they got a place, and are not heard."""
        heard = np.zeros(len(self.is_sound), np.bool_)
        heard[self.path[self.path == self.choice]] = True
        return float((~heard[self.is_sound]).mean())

    @property
    def repeated(self) -> float:
        """Share of the sounds that frames choose again after `AWAY_SECONDS` and more of others."""
        away = AWAY_SECONDS / self.frame_seconds
        gaps = [np.diff(np.flatnonzero(self.choice == sound)) for sound in np.flatnonzero(self.is_sound)]
        return float(np.mean([bool((gap > away).any()) for gap in gaps]))

    @property
    def stretched(self) -> float:
        """Share of the sounds that the path gives more than `STRETCHED_SECONDS`."""
        seconds = np.bincount(self.path, minlength=len(self.is_sound)) * self.frame_seconds
        return float((seconds[self.is_sound] > STRETCHED_SECONDS).mean())


def _measure(name: str, unit: str, better: Better, of: Callable[[Alignment], float]) -> Measure:
    def of_rendition(it: Rendition) -> float:
        return of(Alignment.of(it.aligned, it.phonemes, it.frame_seconds)) * (_PERCENT if unit == "%" else 1)

    return Measure(name, unit, better, of_rendition, needs=("posterior encoder",))


ALIGNMENT = Part(
    "alignment",
    (
        _measure("sharpness", "", "higher", lambda it: it.sharpness),
        _measure("monotonic coverage", "%", "higher", lambda it: it.coverage),
        _measure("phonemes skipped", "%", "lower", lambda it: it.skipped),
        _measure("phonemes repeated", "%", "lower", lambda it: it.repeated),
        _measure("phonemes stretched", "%", "lower", lambda it: it.stretched),
    ),
)
