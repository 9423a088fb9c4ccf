"""The synthesis of one sentence: the interface of the engines, what they return, and the check of durations.

`speaking.torch_engine` and `speaking.onnx_engine` are the two engines. P ids · S samples
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from configs import AudioSettings, InputError
from configs.wording import shortened
from text import Encoded

if TYPE_CHECKING:
    from speaking.timestamps import SpokenWord

Audio = NDArray[np.float32]

Generator = TypeVar("Generator")  # of random numbers; every engine has its own kind

# Frames of the first chunk of a stream: a quarter of a second, which plays while the next one is decoded.
FIRST_FRAMES = 20

# The longest sound of speech, silence within a sentence included, lasts about two seconds. An untrained voice predicts
# two frames, its noise a few times that; a broken one as much as the graph allows.
LONGEST_SECONDS = 4.0  # of one symbol or blank
MEAN_SECONDS = 0.6  # per symbol with its blank: an eighth of the usual speaking rate
FREE_SECONDS = 3.0  # of silence around the sentence
_MOST_SILENT_SAMPLES = 65_536  # in one chunk, so that a break of a minute is not held in memory at once


@dataclass(frozen=True)
class Rendering:
    """One sentence whose durations are known."""

    samples: int
    frames: NDArray[np.int64]  # [P], duration of each id
    whole: Callable[[], Audio]  # decodes it at once, [S]
    chunks: Callable[[], Iterator[Audio]]  # decodes it in chunks


@dataclass(frozen=True)
class Silence:
    """A pause or break."""

    samples: int

    def whole(self) -> Audio:
        """Zeros [S]."""
        return np.zeros(self.samples, dtype=np.float32)

    def chunks(self) -> Iterator[Audio]:
        """The same in chunks of bounded length."""
        for start in range(0, self.samples, _MOST_SILENT_SAMPLES):
            yield np.zeros(min(_MOST_SILENT_SAMPLES, self.samples - start), dtype=np.float32)


@dataclass(frozen=True)
class SpokenSentence(Rendering):
    """A rendered sentence with its text."""

    encoded: Encoded
    words: Callable[[], Sequence["SpokenWord"]]  # aligned with the symbols when they are first needed


SpeechSegment = Silence | SpokenSentence
Check = Callable[[NDArray[np.int64]], None]  # gets the durations [P] in frames, and may raise an InputError


class Scales(TypedDict):
    """Parameters of `Synthesizer.predict_durations` and `Synthesizer.sample_prior`."""

    noise_scale: float
    duration_noise_scale: float
    speed: float


class Engine(Protocol[Generator]):
    """Synthesizes sentences."""

    def generator(self, seed: int | None) -> Generator:
        """A generator of the noise of one text; None seeds it randomly."""
        ...

    def render(
        self,
        ids: Sequence[int],
        speaker: int | None,
        *,
        check: Check,
        generator: Generator,
        **scales: Unpack[Scales],
    ) -> Rendering:
        """Predict and check the durations of a sentence [P], and prepare its decoding."""
        ...

    def convert(self, audio: Audio, settings: AudioSettings, speaker: int, target: int) -> Audio:
        """Convert a recording [S] of one speaker into the voice of another [S], without noise.

        Raises:
            InputError: the engine cannot, or the recording is too short.
        """
        ...


def check_durations(
    frames: NDArray[np.int64], *, symbols: int, frame_seconds: float, speed: float, text: Callable[[], str]
) -> None:
    """Refuse durations that are absurd, before they become minutes of noise.

    The limits hold for the seconds at speed 1, so that slow speech is not mistaken for a failure of the voice.

    Args:
        frames: [P], duration of each id.
        symbols: number of symbols of the sentence, without blanks.
        frame_seconds: length of a frame.
        speed: speaking rate.
        text: returns the words of the sentence, for the message.

    Raises:
        InputError: the sentence or one of its sounds is too long.
    """
    # Durations are rounded up to whole frames, which at a high speed is most of them.
    seconds = (frames - 1).clip(min=0) * frame_seconds
    longest, total = seconds.max() * speed, seconds.sum() * speed
    if longest > LONGEST_SECONDS or total > FREE_SECONDS + MEAN_SECONDS * symbols:
        raise InputError(
            f"the voice would take {seconds.sum():.0f} s to say {shortened(text(), 60)!r}, {seconds.max():.1f} s of it "
            "for one sound: lower the duration noise scale, try another seed or other words, or train it for longer"
        )
