"""The interface of all decoders: latents in, a waveform out, and a bounded receptive field.

B batch · Z latent channels · C speaker channels · F frames · S = F * hop samples
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Decoder(nn.Module, ABC):
    """Latent to waveform (VITS, section 2.5.3).

    Decoders are non-causal convolutions: a sample depends on no frame further away than `receptive_field`. A long
    signal can therefore be decoded in overlapping chunks with the same result.
    """

    @property
    @abstractmethod
    def receptive_field(self) -> int:
        """Frames to each side of its own that a sample depends on."""

    @abstractmethod
    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Decode latents to a waveform.

        Args:
            z: [B, Z, F].
            speaker: [B, C, 1], or None for a single voice.
            mask: [B, 1, F], ones at real frames; None means that all are. With it, padding does not change the audio.

        Returns:
            [B, 1, S], in [-1, 1].
        """
