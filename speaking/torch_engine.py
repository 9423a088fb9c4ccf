"""The engine of PyTorch: decodes a sentence at once, or in chunks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs import AudioSettings, InputError
from data.spectrogram import LinearSpectrogram
from models.device import choose_device
from models.speech import Alignment, Plan
from models.synthesizer import Synthesizer
from speaking.engine import FIRST_FRAMES, Audio, Check, Rendering, Scales
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile


class TorchEngine:
    """Runs a `Synthesizer`."""

    def __init__(self, synthesizer: Synthesizer, device: torch.device) -> None:
        self.synthesizer, self.device = synthesizer.to(device), device
        # The first chunk needs all frames of its receptive field.
        fields = synthesizer.flow.receptive_field + (synthesizer.decoder.receptive_field or 0)
        self.chunk_frames = FIRST_FRAMES + fields

    @classmethod
    def load(cls, path: Path, device: str, *, threads: int | None = None) -> tuple[VoiceFile, "TorchEngine"]:
        """Load a voice of Parlance or of another program, and its engine.

        Raises:
            InputError: there is no voice, it is damaged, or there is no such device.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        voice = load_voice_from(path).voice
        return voice, cls(voice.synthesizer, choose_device(device))

    def generator(self, seed: int | None) -> torch.Generator:
        """See `Engine`."""
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        return generator

    @torch.inference_mode()
    def render(
        self,
        ids: Sequence[int],
        speaker: int | None,
        *,
        check: Check,
        generator: torch.Generator,
        **scales: Unpack[Scales],
    ) -> Rendering:
        """See `Engine`."""
        text = self.synthesizer.predict_durations(
            *self._inputs(ids, speaker),
            duration_noise_scale=scales["duration_noise_scale"],
            speed=scales["speed"],
            generator=generator,
        )
        check(_frames(text.durations))
        plan = self.synthesizer.sample_prior(text, noise_scale=scales["noise_scale"], generator=generator)
        return Rendering(
            samples=plan.z_p.shape[2] * self.synthesizer.hop_length,
            frames=_frames(plan.durations),
            whole=lambda: self._whole(plan),
            chunks=lambda: self._chunks(plan),
        )

    @torch.inference_mode()
    def convert(self, audio: Audio, settings: AudioSettings, speaker: int | None, target: int | None) -> Audio:
        """Voice conversion, [S] to [S], without noise; without a target it is the reconstruction of the recording.

        Raises:
            InputError: the voice has no posterior encoder, or the recording is too short.
        """
        if not hasattr(self.synthesizer, "posterior_encoder"):
            raise InputError(
                "this voice has no posterior encoder, which hears the recording (an .onnx holds none): give the run "
                "folder or the voice.safetensors it was made of"
            )
        if len(audio) < settings.hop_length:
            raise InputError(f"the recording has {len(audio)} samples, too few for one frame of {settings.hop_length}")
        spectrogram, frames = self._spectrogram(audio, settings)
        return _waveform(self.synthesizer.reconstruct(spectrogram, frames, self._one(speaker), self._one(target)))

    @torch.inference_mode()
    def align(self, ids: Sequence[int], audio: Audio, settings: AudioSettings, speaker: int | None) -> Alignment:
        """Align a recording [S] with the P ids of its text, from the mean of the posterior.

        Raises:
            InputError: the recording has fewer frames than there are ids.
        """
        spectrogram, frames = self._spectrogram(audio, settings)
        if spectrogram.shape[2] < len(ids):
            raise InputError(f"the recording has {spectrogram.shape[2]} frames, too few for the {len(ids)} ids it says")
        phoneme_ids, lengths, speakers = self._inputs(ids, speaker)
        return self.synthesizer.align(phoneme_ids, lengths, spectrogram, frames, speakers)

    def _spectrogram(self, audio: Audio, settings: AudioSettings) -> tuple[Tensor, Tensor]:
        """Linear magnitudes [1, N, F], and F as a tensor [1]."""
        linear = LinearSpectrogram(
            n_fft=settings.n_fft, window_length=settings.window_length, hop_length=settings.hop_length
        )
        spectrogram = linear(torch.from_numpy(np.ascontiguousarray(audio))[None]).to(self.device)
        return spectrogram, torch.tensor([spectrogram.shape[2]], device=self.device)

    def _inputs(self, ids: Sequence[int], speaker: int | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """Ids [1, P], P as a tensor [1], and the speaker [1]."""
        lengths = torch.tensor([len(ids)], device=self.device)
        return torch.tensor([list(ids)], device=self.device), lengths, self._one(speaker)

    def _one(self, speaker: int | None) -> Tensor | None:
        return None if speaker is None else torch.tensor([speaker], device=self.device)

    @torch.inference_mode()
    def _whole(self, plan: Plan) -> Audio:
        return _waveform(self.synthesizer.decode(plan).audio)

    @torch.inference_mode()
    def _chunks(self, plan: Plan) -> Iterator[Audio]:
        for piece in self.synthesizer.stream(plan, chunk_frames=self.chunk_frames):
            yield _waveform(piece)


def _frames(durations: Tensor) -> NDArray[np.int64]:
    frames: NDArray[np.int64] = durations[0].cpu().numpy()
    return frames


def _waveform(audio: Tensor) -> Audio:
    waveform: Audio = audio[0, 0].cpu().numpy()
    return waveform
