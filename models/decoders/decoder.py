"""The interface of all decoders: latents in, a waveform out, and a bounded receptive field.

B batch · Z latent channels · C speaker channels · F frames · S = F * hop samples
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from configs import DecoderSettings


class Decoder(nn.Module, ABC):
    """Latent to waveform (VITS, section 2.5.3).

    Most decoders are non-causal convolutions: a sample depends on no frame further away than `receptive_field`. A long
    signal can therefore be decoded in overlapping chunks with the same result. The others decode it as a whole.

    Each family is a module of this package, whose class names its `decoder.kind`s: `class MyDecoder(Decoder,
    kinds=["mine"])`.
    """

    of_kind: ClassVar[dict[str, type["Decoder"]]] = {}

    def __init_subclass__(cls, kinds: Sequence[str] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.of_kind.update(dict.fromkeys(kinds, cls))

    @classmethod
    def from_settings(
        cls, settings: DecoderSettings, *, latent_channels: int, speaker_channels: int, hop_length: int
    ) -> Self:
        """Make the decoder of these settings; by default they are its arguments, but for `kind` and `hop_length`."""
        options = settings.model_dump(exclude={"kind"})
        return cls(**options, latent_channels=latent_channels, speaker_channels=speaker_channels)

    @property
    @abstractmethod
    def receptive_field(self) -> int | None:
        """Frames to each side of its own that a sample depends on; None where it has no bound."""

    def log_pitch(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor | None:
        """The pitch that a decoder reads from the latents; None where it reads none.

        Args:
            z: [B, Z, F].
            speaker: [B, C, 1], or None for a single voice.
            mask: [B, 1, F], ones at real frames; None means that all are.

        Returns:
            [B, 1, F], the logarithm of the pitch in turns of the fundamental per hop. At 22 050 Hz with a hop of 256
            samples, one turn per hop is 86 Hz.
        """
        return None

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
