"""What is heard of a text, in order: sentences and the silences between them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speaking.engine import Audio, Rendering
from speaking.words import SpokenWord
from text import Encoded

_MOST_SILENT_SAMPLES = 65_536  # in one chunk: a break of a minute is not held at once


@dataclass(frozen=True)
class Silence:
    """Nothing, for a while."""

    samples: int

    def whole(self) -> Audio:
        """Zeros [S]."""
        return np.zeros(self.samples, dtype=np.float32)

    def chunks(self) -> Iterator[Audio]:
        """The same, in chunks of a bounded length."""
        for start in range(0, self.samples, _MOST_SILENT_SAMPLES):
            yield np.zeros(min(_MOST_SILENT_SAMPLES, self.samples - start), dtype=np.float32)


@dataclass(frozen=True)
class Utterance:
    """One sentence, ready to be heard: at once, or in chunks as they are decoded."""

    encoded: Encoded
    words: Callable[[], Sequence[SpokenWord]]  # found when they are asked for
    rendering: Rendering

    @property
    def samples(self) -> int:
        """How long it is."""
        return self.rendering.samples

    @property
    def frames(self) -> NDArray[np.int64]:
        """[P], of each id."""
        return self.rendering.frames

    def whole(self) -> Audio:
        """The sentence [S], decoded at once."""
        return self.rendering.whole()

    def chunks(self) -> Iterator[Audio]:
        """The sentence in chunks, each as soon as it is decoded."""
        return self.rendering.chunks()


Said = Silence | Utterance
