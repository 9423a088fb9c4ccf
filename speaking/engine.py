"""What makes the sound of a sentence; `speaking.torch_engine` and `speaking.onnx_engine` are the two there are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from configs import AudioSettings, Config

Audio = NDArray[np.float32]

Generator = TypeVar("Generator")  # draws the noise; every engine has its own kind


class VoiceParts(Protocol):
    """What a voice is beside its synthesizer: voices.voice_file.VoiceFile, or what an .onnx and its .json hold."""

    @property
    def config(self) -> Config:
        """How it was made, and how it prefers to speak."""
        ...

    @property
    def symbols(self) -> str:
        """Its symbol table, as JSON."""
        ...

    @property
    def speakers(self) -> tuple[str, ...]:
        """Their names; empty for a single voice."""
        ...

    @property
    def lexicon(self) -> str | None:
        """How the user wants single words read, as JSON."""
        ...


@dataclass(frozen=True)
class Rendering:
    """One sentence on its way to sound."""

    samples: int
    frames: NDArray[np.int64]  # [P], of each id
    whole: Callable[[], Audio]
    chunks: Callable[[], Iterator[Audio]]


Check = Callable[[NDArray[np.int64]], None]  # is given the frames [P] of each id, and may refuse them


class Options(TypedDict):
    """How a sentence is rendered, by the names of `Synthesizer.plan`."""

    noise_scale: float
    duration_noise_scale: float
    speed: float


class Engine(Protocol[Generator]):
    """Renders the ids of a sentence as one of its speakers."""

    def generator(self, seed: int | None) -> Generator:
        """Where the noise of a text comes from; without a seed it is other noise every time."""
        ...

    def render(
        self,
        ids: Sequence[int],
        speaker: int | None,
        *,
        check: Check,
        generator: Generator,
        **options: Unpack[Options],
    ) -> Rendering:
        """Decide how a sentence is spoken, and be ready to speak it."""
        ...

    def convert(self, audio: Audio, settings: AudioSettings, speaker: int, target: int) -> Audio:
        """Let a speaker say what another has said, [S] to [S], without noise.

        Raises:
            InputError: the engine cannot, or the recording is too short.
        """
        ...
