"""A voice in ONNX: an export of ours, or a voice published for Piper.

Ours have all settings in the graph's metadata; others have Piper's settings beside the graph.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from configs import InputError
from voices.export import FRAME_MASK, Z_P
from voices.export.noise import Stages, between
from voices.importing.onnx_settings import OnnxSettings, read_graph
from voices.onnx_windows import ReceptiveFields, WindowedDecoder
from voices.seeded_noise import SeededNoise

_MOST_FRAMES = 1e9  # of one id; other programs' graphs set no bound


@dataclass(frozen=True)
class OnnxFile(OnnxSettings):
    """A graph with its settings."""

    synthesizer: "OnnxSynthesizer"


@dataclass(frozen=True)
class OnnxSpeech:
    """The output of a graph, as `models.speech.Speech`, in numpy."""

    audio: NDArray[np.float32]  # [B, 1, S]
    audio_lengths: NDArray[np.int64]  # [B], in samples
    durations: NDArray[np.int64]  # [B, P], in frames


@dataclass(frozen=True)
class OnnxLatents:
    """A graph that has run as far as the flow, and has drawn all noise."""

    audio_lengths: NDArray[np.int64]  # [B], in samples
    whole: Callable[[], NDArray[np.float32]]  # runs the rest, [B, 1, S]
    stream: Callable[[int], Iterator[NDArray[np.float32]]]  # the same in chunks, from the frames of the first one


@dataclass(frozen=True)
class OnnxPlan:
    """A graph that has run as far as the durations."""

    durations: NDArray[np.int64]  # [B, P], in frames
    decode: Callable[[], OnnxSpeech]  # runs the rest
    sample: Callable[[], OnnxLatents] | None  # runs up to the flow; None if the graph can only be decoded at once


class OnnxSynthesizer:
    """`Synthesizer` in ONNX Runtime; the same seed gives the same noise.

    Args:
        stages: the graph, or the part of it before `windows`.
        hop_length: samples of each frame.
        windows: the flow and the decoder; None if sentences cannot be decoded in chunks.
    """

    def __init__(self, stages: Stages, hop_length: int, windows: WindowedDecoder | None = None) -> None:
        self._stages, self.hop_length, self._windows = stages, hop_length, windows

    @classmethod
    def of(
        cls, model: onnx.ModelProto, hop_length: int, fields: ReceptiveFields | None, *, threads: int
    ) -> "OnnxSynthesizer":
        """Open the sessions of a graph, whose outputs are the audio and then the durations."""
        if fields is None:
            return cls(Stages(model, threads=threads), hop_length)
        before = between(model, (), (Z_P, model.graph.output[1].name, FRAME_MASK))
        return cls(Stages(before, threads=threads), hop_length, WindowedDecoder(model, fields, threads=threads))

    def plan(
        self,
        phoneme_ids: NDArray[np.int64],
        phoneme_lengths: NDArray[np.int64],
        speaker_ids: NDArray[np.int64] | None = None,
        *,
        noise_scale: float = 0.667,
        duration_noise_scale: float = 0.8,
        speed: float = 1.0,
        noise: SeededNoise | None = None,
    ) -> OnnxPlan:
        """Predict the durations; memory does not depend on what is predicted.

        Args:
            phoneme_ids: [B, P].
            phoneme_lengths: [B].
            speaker_ids: [B]; None is the first speaker.
            noise_scale: standard deviation of the prior's noise.
            duration_noise_scale: standard deviation of the duration predictor's noise.
            speed: speaking rate; 2 is twice as fast.
            noise: the generator; None draws from a random seed.
        """
        feeds: dict[str, NDArray[Any]] = {
            "input": phoneme_ids,
            "input_lengths": phoneme_lengths,
            "scales": np.array([noise_scale, 1 / speed, duration_noise_scale], dtype=np.float32),
            "sid": np.zeros_like(phoneme_lengths) if speaker_ids is None else speaker_ids,
        }
        run = self._stages.start(feeds, noise or SeededNoise(), (duration_noise_scale > 0, noise_scale > 0))
        durations = _whole(run.durations(), phoneme_ids)
        lengths = durations.sum(axis=1).clip(min=1) * self.hop_length
        if (windows := self._windows) is None:

            def decode() -> OnnxSpeech:
                audio = run.outputs()[self._stages.outputs[0]].reshape(len(phoneme_ids), 1, -1)
                return OnnxSpeech(audio, lengths, durations)

            return OnnxPlan(durations, decode, None)

        def sample() -> OnnxLatents:
            values = run.outputs()
            z_p, mask = values[Z_P], values[FRAME_MASK]
            return OnnxLatents(
                lengths,
                partial(windows.whole, z_p, mask, feeds),
                lambda first_frames: windows.stream(z_p, feeds, first_frames=first_frames),
            )

        return OnnxPlan(durations, lambda: OnnxSpeech(sample().whole(), lengths, durations), sample)


def _whole(frames: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Durations of the ids [B, P] as integers; NaN and infinity become a number that no check of durations accepts."""
    bounded = np.nan_to_num(frames, nan=_MOST_FRAMES, posinf=_MOST_FRAMES).clip(0, _MOST_FRAMES)
    return bounded.reshape(ids.shape).astype(np.int64)


def load_onnx(path: Path, *, threads: int | None = None) -> OnnxFile:
    """Load a graph and the settings beside it.

    Args:
        path: of the graph.
        threads: of each operator; None is OMP_NUM_THREADS, or else ONNX Runtime's default.

    Raises:
        InputError: there is no such file, or it is not the graph of a VITS voice.
    """
    model, settings = read_graph(path)
    _name_durations(path, model)
    try:
        synthesizer = OnnxSynthesizer.of(
            model,
            settings.config.audio.hop_length,
            ReceptiveFields.of(model, str(path)),
            threads=_usual_threads() if threads is None else threads,
        )
    except InputError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions have no narrower common base
        raise InputError(f"{path}: cannot be loaded as an ONNX graph: {error}") from error
    return OnnxFile(**vars(settings), synthesizer=synthesizer)


def _usual_threads() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() else 0


def _name_durations(path: Path, model: onnx.ModelProto) -> None:
    """Make the durations the second output, which published voices lack: there they are the result of the only Ceil."""
    if len(model.graph.output) > 1:
        return
    rounded = [node.output[0] for node in model.graph.node if node.op_type == "Ceil"]
    if len(rounded) != 1:
        raise InputError(f"{path}: is not the graph of a VITS voice: it rounds {len(rounded)} values up, not one")
    output = model.graph.output.add()
    output.name = rounded[0]
    output.type.tensor_type.elem_type = 1  # float32
