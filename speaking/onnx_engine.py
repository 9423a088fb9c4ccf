"""The engine of ONNX Runtime; imports no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np

from configs import AudioSettings, InputError
from speaking.engine import FIRST_FRAMES, Audio, Check, Rendering, Scales
from voices.onnx_synthesizer import OnnxFile, OnnxSynthesizer, load_onnx
from voices.seeded_noise import SeededNoise


class OnnxEngine:
    """Runs a graph; the chunks of a stream are whole sentences where the graph does not tell its receptive fields."""

    def __init__(self, synthesizer: OnnxSynthesizer) -> None:
        self.synthesizer = synthesizer

    @classmethod
    def load(cls, path: Path, *, threads: int | None = None) -> tuple[OnnxFile, "OnnxEngine"]:
        """Load a graph with the settings beside it, and its engine.

        Raises:
            InputError: there is no voice, or it is damaged.
        """
        file = load_onnx(path, threads=threads)
        return file, cls(file.synthesizer)

    def generator(self, seed: int | None) -> SeededNoise:
        """See `Engine`; a seed gives the noise that it gives in torch."""
        return SeededNoise(seed)

    def render(
        self,
        ids: Sequence[int],
        speaker: int | None,
        *,
        check: Check,
        generator: SeededNoise,
        **scales: Unpack[Scales],
    ) -> Rendering:
        """See `Engine`."""
        plan = self.synthesizer.plan(
            np.array([ids], np.int64),
            np.array([len(ids)], np.int64),
            None if speaker is None else np.array([speaker], np.int64),
            noise=generator,
            **scales,
        )
        check(plan.durations[0])
        if plan.sample is None:
            audio = plan.decode().audio[0, 0]
            return Rendering(len(audio), plan.durations[0], lambda: audio, lambda: iter((audio,)))
        latents = plan.sample()
        return Rendering(
            samples=int(latents.audio_lengths[0]),
            frames=plan.durations[0],
            whole=lambda: latents.whole()[0, 0],
            chunks=lambda: (chunk[0, 0] for chunk in latents.stream(FIRST_FRAMES)),
        )

    def convert(self, audio: Audio, settings: AudioSettings, speaker: int, target: int) -> Audio:
        """Not supported: the graph has no posterior encoder, also when it is read into torch."""
        raise InputError("an .onnx voice only speaks: give the run folder or the voice.safetensors it was made of")
