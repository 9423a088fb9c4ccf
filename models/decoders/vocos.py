"""Vocos: ConvNeXt blocks at the frame rate, then one inverse STFT (Siuzdak, 2023, section 3).

Only the transform upsamples, so the network runs once per frame and not once per sample.

B batch · Z latent channels · C speaker channels · F frames · H channels · K bins (n_fft // 2 + 1) · S = F * hop samples
"""

import math
from abc import abstractmethod
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs import DecoderSettings
from models.decoders.decoder import Decoder
from models.decoders.receptive_field import ReceptiveField
from models.layers.depthwise import DepthwiseConv1d
from models.layers.istft import InverseStft

_INPUT_KERNEL = 7


class ConvNextBlock(nn.Module):
    """Residual ConvNeXt block: depthwise convolution over time, then an MLP per frame (Liu et al., 2022, section 2)."""

    def __init__(self, channels: int, expansion_channels: int, kernel_size: int, initial_scale: float) -> None:
        super().__init__()
        self.depthwise = DepthwiseConv1d(channels, kernel_size)
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, expansion_channels)
        self.contract = nn.Linear(expansion_channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), initial_scale))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform x [B, F, H] under the mask [B, F, 1]."""
        y = x if mask is None else x * mask
        y = self.norm(self.depthwise(y.transpose(1, 2)).transpose(1, 2))
        return x + self.scale * self.contract(F.gelu(self.expand(y)))


class FrameRateDecoder(Decoder):
    """ConvNeXt blocks, a linear layer from which the spectrum of each frame is made, and the inverse STFT.

    Args:
        latent_channels: Z.
        channels: H.
        expansion_channels: hidden channels of the MLP of each block.
        layers: blocks.
        kernel_size: of the depthwise convolutions, in frames.
        istft_n_fft: length of the transform and its window, in samples.
        hop_length: samples per frame.
        speaker_channels: C; 0 is a single voice.
    """

    outputs_per_bin: ClassVar[int]  # of the linear layer

    def __init__(
        self,
        *,
        latent_channels: int,
        channels: int,
        expansion_channels: int,
        layers: int,
        kernel_size: int,
        istft_n_fft: int,
        hop_length: int,
        speaker_channels: int = 0,
    ) -> None:
        super().__init__()
        self.kernel_size, self.n_fft, self.hop_length = kernel_size, istft_n_fft, hop_length
        self.input = nn.Conv1d(latent_channels, channels, _INPUT_KERNEL, padding=_INPUT_KERNEL // 2)
        self.speaker = nn.Conv1d(speaker_channels, channels, 1) if speaker_channels else None
        self.input_norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(
            ConvNextBlock(channels, expansion_channels, kernel_size, 1 / layers) for _ in range(layers)
        )
        self.output_norm = nn.LayerNorm(channels)
        self.output = nn.Linear(channels, self.outputs_per_bin * (istft_n_fft // 2 + 1))
        self.inverse_stft = InverseStft(istft_n_fft, hop_length)

    @classmethod
    def from_settings(cls, settings: DecoderSettings, *, hop_length: int, **channels: int) -> Self:
        """Make the decoder of these settings."""
        return cls(**settings.model_dump(exclude={"kind"}), **channels, hop_length=hop_length)

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Decode latents z [B, Z, F] of a speaker [B, C, 1] under the mask [B, 1, F] to [B, 1, S], in float32."""
        if mask is not None:
            z = z * mask
        x = self.hidden(z, speaker, mask)
        log_pitch = self.log_pitch(z, speaker, mask)
        # In bfloat16 a phase of three turns has an error of up to a sixteenth of a radian.
        with torch.autocast(z.device.type, enabled=False):
            predicted = self.output(x.to(self.output.weight.dtype)).transpose(1, 2)
            audio = self.inverse_stft(*self.spectrum(predicted, log_pitch), mask)
        # Clipped, not tanh, which would distort samples within [-1, 1] too.
        return audio.clamp(-1.0, 1.0)

    def hidden(self, z: Tensor, speaker: Tensor | None, mask: Tensor | None) -> Tensor:
        """The features [B, F, H] of each frame of z [B, Z, F]."""
        x = self.input(z)
        if self.speaker is not None:
            assert speaker is not None, "a multi-speaker model needs speaker ids"
            x = x + self.speaker(speaker)
        # Channels last throughout, as the norms and linear layers need them: fewer transposes.
        x = self.input_norm(x.transpose(1, 2).contiguous())
        frame_mask = None if mask is None else mask.transpose(1, 2)
        for block in self.blocks:
            x = block(x, frame_mask)
        normed: Tensor = self.output_norm(x)
        return normed

    @abstractmethod
    def spectrum(self, predicted: Tensor, log_pitch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The real and the imaginary part [B, K, F] of every frame's spectrum.

        Args:
            predicted: [B, outputs_per_bin * K, F], of the linear layer.
            log_pitch: [B, 1, F], if there is one.
        """

    def magnitude(self, log_magnitude: Tensor) -> Tensor:
        """Exponentiate what the output layer predicted."""
        # A signal in [-1, 1] has no magnitude above the sum of the Hann window; clamped so that exp is finite.
        return log_magnitude.clamp(max=math.log(self.n_fft / 2)).exp()


class VocosDecoder(FrameRateDecoder, kinds=["vocos"]):
    """The linear layer predicts the magnitude and the phase of every bin of each frame."""

    outputs_per_bin = 2

    @property
    def receptive_field(self) -> int:
        """Frames to each side of its own that a sample depends on."""
        field = ReceptiveField(0, self.hop_length - 1).before_upsampling(self.n_fft, self.hop_length)
        for _ in self.blocks:
            field = field.before_convolution(self.kernel_size)
        return field.before_convolution(_INPUT_KERNEL).radius

    def spectrum(self, predicted: Tensor, log_pitch: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `FrameRateDecoder`."""
        log_magnitude, phase = predicted.chunk(2, dim=1)
        magnitude = self.magnitude(log_magnitude)
        return magnitude * phase.cos(), magnitude * phase.sin()
