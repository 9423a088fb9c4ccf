"""What makes the sound: a synthesizer in torch, sentence by sentence or while it decodes, or one in ONNX Runtime."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs import Config
from models.synthesizer import Plan, Synthesizer

if TYPE_CHECKING:
    from models.onnx_synthesizer import OnnxSynthesizer

Audio = NDArray[np.float32]

# Frames of the first chunk while streaming: a quarter of a second, which is heard while the next one is made.
FIRST_FRAMES = 20


class VoiceParts(Protocol):
    """What a voice is beside its synthesizer: models.voice_file.VoiceFile, or what an .onnx and its .json hold."""

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
    generator: torch.Generator


class Engine(Protocol):
    """Renders the ids of a sentence as one of its speakers."""

    def render(self, ids: Sequence[int], speaker: int | None, *, check: Check, **options: Unpack[Options]) -> Rendering:
        """Decide how a sentence is spoken, and be ready to speak it."""
        ...


class TorchEngine:
    """Plans a sentence, then decodes it at once or in chunks."""

    def __init__(self, synthesizer: Synthesizer, device: torch.device) -> None:
        self.synthesizer, self.device = synthesizer.to(device), device
        # The first chunk waits for all frames that it depends on.
        self.chunk_frames = FIRST_FRAMES + synthesizer.flow.field_frames + synthesizer.decoder.field_frames

    @torch.inference_mode()
    def render(self, ids: Sequence[int], speaker: int | None, *, check: Check, **options: Unpack[Options]) -> Rendering:
        """Plan a sentence; it is decoded when it is asked for."""
        plan = self.synthesizer.plan(
            *_inputs(ids, speaker, self.device), check=lambda durations: check(_frames(durations)), **options
        )
        return Rendering(
            samples=plan.z_p.shape[2] * self.synthesizer.hop_length,
            frames=_frames(plan.durations),
            whole=lambda: self._whole(plan),
            chunks=lambda: self._chunks(plan),
        )

    @torch.inference_mode()
    def convert(self, spectrogram: Tensor, speaker: int, target: int) -> Audio:
        """Let a speaker say what another has said, [1, N, F] linear magnitudes, without noise."""
        lengths, source, heard = torch.tensor([[spectrogram.shape[2]], [speaker], [target]], device=self.device)
        return _waveform(self.synthesizer.reconstruct(spectrogram.to(self.device), lengths, source, heard))

    @torch.inference_mode()
    def _whole(self, plan: Plan) -> Audio:
        return _waveform(self.synthesizer.utter(plan).audio)

    @torch.inference_mode()
    def _chunks(self, plan: Plan) -> Iterator[Audio]:
        for piece in self.synthesizer.stream(plan, chunk_frames=self.chunk_frames):
            yield _waveform(piece)


class OnnxEngine:
    """Runs a graph, which cannot stop half-way: a sentence is one chunk."""

    def __init__(self, synthesizer: "OnnxSynthesizer") -> None:
        self.synthesizer = synthesizer

    def render(self, ids: Sequence[int], speaker: int | None, *, check: Check, **options: Unpack[Options]) -> Rendering:
        """Speak a sentence; it is sound when this returns."""
        speech = self.synthesizer.speak(
            *_inputs(ids, speaker, None), check=lambda durations: check(_frames(durations)), **options
        )
        audio = _waveform(speech.audio)
        return Rendering(len(audio), _frames(speech.durations), lambda: audio, lambda: iter((audio,)))


def _inputs(
    ids: Sequence[int], speaker: int | None, device: torch.device | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    lengths, speakers = torch.tensor([len(ids)], device=device), None
    if speaker is not None:
        speakers = torch.tensor([speaker], device=device)
    return torch.tensor([ids], device=device), lengths, speakers


def _frames(durations: Tensor) -> NDArray[np.int64]:
    frames: NDArray[np.int64] = durations[0].cpu().numpy()
    return frames


def _waveform(audio: Tensor) -> Audio:
    waveform: Audio = audio[0, 0].cpu().numpy()
    return waveform
