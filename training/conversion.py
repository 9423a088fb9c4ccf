"""Voice conversion within a training step: segments of a batch as other speakers, and back (VITS, appendix D).

The flow under one speaker and its inverse under the same are the identity, so that a conversion of A to A that stays
among latents is the reconstruction. What makes a round trip mean something is that the audio in between is encoded
anew: A to B, the spectrogram of that, and back to A (cycle consistency); or A to A, and from there to A (identity).

B batch · K segments of each clip · G frames of a segment · S samples of a segment · M mel bands · N speakers
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.segments import slice_segments
from models.synthesizer import Synthesis, Synthesizer
from training.features import Features, Segments


@dataclass(frozen=True, eq=False)
class Conversion:
    """The segments of a batch as other speakers say them."""

    audio: Tensor  # [B * K, 1, S], silent where a clip is shorter than the segment
    speaker_ids: Tensor  # [B * K], who says them


class Converter:
    """Converts with the synthesizer that is being trained; gradients reach all parts of it.

    Args:
        synthesizer: of several speakers, where anything is converted to another.
        features: the experiment's spectrograms.
    """

    def __init__(self, synthesizer: Synthesizer, features: Features) -> None:
        self.synthesizer, self.features = synthesizer, features

    def to_others(self, speaker_ids: Tensor, synthesis: Synthesis, segments: Segments) -> Conversion:
        """Decode the segments as other speakers of the corpus than the clips' own, [B]."""
        synthesizer = self.synthesizer
        assert synthesizer.speakers is not None
        others = draw_others(speaker_ids, synthesizer.speakers.num_embeddings)
        z = synthesizer.flow.inverse(synthesis.z_p, synthesis.frame_mask, synthesizer.embed_speaker(others))
        of_segments = others.repeat_interleave(synthesizer.segments)  # [B * K]
        audio = synthesizer.decoder(
            slice_segments(z, synthesis.segment_starts, synthesizer.segment_frames),
            synthesizer.embed_speaker(of_segments),
        )
        return Conversion(audio.float() * segments.sample_mask, of_segments)

    def mel_converted(
        self, audio: Tensor, speaker_ids: Tensor | None, target_speaker_ids: Tensor | None, segments: Segments
    ) -> Tensor:
        """Encode generated segments as what a speaker said, and convert them.

        The posterior is sampled, as in training.

        Args:
            audio: [B * K, 1, S].
            speaker_ids: [B * K], who says them; None for a single voice.
            target_speaker_ids: [B * K], who is to say them; None for the same.
            segments: the same pieces as recorded, for their masks.

        Returns:
            [B * K, M, G], log-mel.
        """
        spectrogram = self.features.linear(audio.squeeze(1)) * segments.frame_mask
        converted = self.synthesizer.convert(spectrogram, segments.frame_mask, speaker_ids, target_speaker_ids)
        mel: Tensor = self.features.mel((converted.float() * segments.sample_mask).squeeze(1))
        return mel


def draw_others(speaker_ids: Tensor, count: int) -> Tensor:
    """For each of some speakers [B] another one of `count`, all alike likely; from torch's global generator."""
    chance = torch.rand(speaker_ids.shape, device=speaker_ids.device)
    further = 1 + (chance * (count - 1)).long().clamp(max=count - 2)  # rounding must not lead back to the same
    return (speaker_ids + further) % count
