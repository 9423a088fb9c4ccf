"""What is compared in training: the recorded and the decoded segments, and their mel spectrograms.

B batch · K pieces of each clip · F frames · G frames of a piece · S samples of a piece · N spectrogram bins
M mel bands
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from configs import AudioSettings, Config, InputError
from data.batch import Batch
from data.spectrogram import MelSpectrogram
from losses import PitchLoss
from losses.pitch import LOWEST_HZ
from models.monophones import MonophoneAligner
from models.segments import slice_segments
from models.synthesizer import Synthesis, Synthesizer

if TYPE_CHECKING:
    from training.conversion import Conversion, Converter


@dataclass(frozen=True)
class Segments:
    """The same pieces of each clip, as recorded and as decoded; silent where a clip is shorter than the piece."""

    real: Tensor  # [B * K, 1, S]
    generated: Tensor  # [B * K, 1, S]
    mel_real: Tensor  # [B * K, M, G]
    mel_generated: Tensor  # [B * K, M, G]
    frame_mask: Tensor  # [B * K, 1, G]
    sample_mask: Tensor  # [B * K, 1, S]


@dataclass(frozen=True)
class GeneratorOutput:
    """The reconstruction of a batch, beside its recordings: what the terms of the loss see."""

    batch: Batch
    synthesis: Synthesis
    segments: Segments
    converter: "Converter"

    @property
    def segment_speakers(self) -> Tensor | None:
        """Who says each segment, [B * K]; None for a single voice."""
        speakers = self.batch.speaker_ids
        return None if speakers is None else speakers.repeat_interleave(self.synthesis.segment_starts.shape[1])

    @cached_property
    def conversion(self) -> "Conversion":
        """The segments as other speakers; converted when a term first asks for it, and the same for all."""
        assert self.batch.speaker_ids is not None
        return self.converter.to_others(self.batch.speaker_ids, self.synthesis, self.segments)


def pitch_loss(audio: AudioSettings) -> PitchLoss:
    """`losses.PitchLoss` of frames of these settings.

    Raises:
        InputError: two periods of a low voice do not fit in a window.
    """
    if audio.window_length < (least := math.ceil(2 * audio.sample_rate / LOWEST_HZ)):
        raise InputError(
            f"audio.window_length = {audio.window_length} is less than two periods of {LOWEST_HZ:g} Hz, and the pitch "
            f"of low voices would not be found: set it to {least} or more, or take a decoder that predicts no pitch"
        )
    return PitchLoss(audio.sample_rate, hop_length=audio.hop_length, window_length=audio.window_length)


class Features:
    """The spectrograms of an experiment, on one device."""

    def __init__(self, config: Config, device: torch.device) -> None:
        audio = config.audio
        transform = {"n_fft": audio.n_fft, "window_length": audio.window_length, "hop_length": audio.hop_length}
        bands = audio.model_dump(include={"sample_rate", "mel_bands", "fmin_hz", "fmax_hz"})
        self.hop_length, self.segment_frames = audio.hop_length, config.segment_frames
        self.mel = MelSpectrogram(**transform, **bands).to(device)
        self.linear, self.mel_scale = self.mel.linear, self.mel.scale

    def spectrogram(self, batch: Batch) -> Tensor:
        """Linear magnitudes [B, N, F] of the recordings."""
        return self.linear(batch.audio.squeeze(1), batch.audio_lengths)

    def frame_lengths(self, batch: Batch) -> Tensor:
        """Frames [B] of the recordings."""
        return self.linear.frame_lengths(batch.audio_lengths)

    def synthesize(
        self,
        synthesizer: Synthesizer,
        batch: Batch,
        generator: torch.Generator | None = None,
        aligner: MonophoneAligner | None = None,
    ) -> tuple[Tensor, Synthesis]:
        """Linear magnitudes [B, N, F] of the recordings, and what the synthesizer makes of them.

        An aligner takes the place of the synthesizer's own alignment search.
        """
        spectrogram = self.spectrogram(batch)
        durations = None if aligner is None else aligner(*self.for_alignment(batch, spectrogram))
        synthesis = synthesizer(
            batch.phoneme_ids,
            batch.phoneme_lengths,
            spectrogram,
            self.frame_lengths(batch),
            batch.speaker_ids,
            durations=durations,
            generator=generator,
        )
        return spectrogram, synthesis

    def for_alignment(self, batch: Batch, spectrogram: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What a `MonophoneAligner` aligns: phoneme ids [B, P], their number, mel [B, M, F] and its frames."""
        mel = self.mel_scale(self.spectrogram(batch) if spectrogram is None else spectrogram)
        return batch.phoneme_ids, batch.phoneme_lengths, mel, self.frame_lengths(batch)

    def segments(self, batch: Batch, spectrogram: Tensor, synthesis: Synthesis) -> Segments:
        """Cut the recordings where the synthesizer decoded, and look at both sides.

        As in the published code, the recorded mel is cut out of the whole recording's spectrogram, which knows what
        lies around the piece; the decoded one is reflected at its ends.
        """
        starts, frames, hop = synthesis.segment_starts, self.segment_frames, self.hop_length
        frame_mask = slice_segments(synthesis.frame_mask, starts, frames)
        sample_mask = frame_mask.repeat_interleave(hop, dim=2)
        real = slice_segments(batch.audio, starts * hop, frames * hop) * sample_mask
        generated = synthesis.audio.float() * sample_mask
        return Segments(
            real=real,
            generated=generated,
            mel_real=self.mel_scale(slice_segments(spectrogram, starts, frames)),
            mel_generated=self.mel(generated.squeeze(1)),
            frame_mask=frame_mask,
            sample_mask=sample_mask,
        )
