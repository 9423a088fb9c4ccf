"""What every decoder is: latents in, a waveform out, and how far it looks to each side.

B batch · Z latent channels · C speaker channels · F frames · S = F * hop samples
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Decoder(nn.Module, ABC):
    """Latent to waveform (VITS, section 2.5.3), in any family.

    Decoders are non-causal convolutions: a sample depends on no frame further away than `field_frames`. So a long
    signal can be decoded in overlapping pieces, and the pieces are what the whole would be.
    """

    @property
    @abstractmethod
    def field_frames(self) -> int:
        """The most frames to each side of its own that a sample depends on."""

    @abstractmethod
    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Decode latents to a waveform.

        Args:
            z: [B, Z, F].
            speaker: [B, C, 1], or None for a single voice.
            mask: [B, 1, F], ones at real frames; without one every frame is real. With it, each clip of a padded batch
                sounds as it does alone.

        Returns:
            [B, 1, S], in [-1, 1].
        """
