"""HiFi-GAN's generator (Kong, Kim & Bae, 2020, section 2.2 and appendix A.1), as VITS uses it (2.5.3).

B batch · Z latent channels · C speaker channels · F frames · T samples at the current rate · S = F * hop samples
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from models.decoders.decoder import Decoder
from models.decoders.receptive_field import ReceptiveField

_SLOPE = 0.1  # of every leaky ReLU except the last


class ResidualBlock(nn.Module):
    """Maps x [B, H, T] and a mask [B, 1, T] or None to [B, H, T]."""

    receptive_field: int  # positions to each side


class ResidualBlock1(ResidualBlock):
    """Pairs of convolutions, the first of each pair dilated (HiFi-GAN V1 and V2)."""

    def __init__(self, channels: int, kernel_size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.receptive_field = sum((dilation + 1) * (kernel_size // 2) for dilation in dilations)
        self.dilated = nn.ModuleList(_convolution(channels, kernel_size, dilation) for dilation in dilations)
        self.plain = nn.ModuleList(_convolution(channels, kernel_size, 1) for _ in dilations)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform x [B, H, T] under the mask [B, 1, T]."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            y = dilated(masked(F.leaky_relu(x, _SLOPE), mask))
            x = x + plain(masked(F.leaky_relu_(y, _SLOPE), mask))
        return x


class ResidualBlock2(ResidualBlock):
    """Single dilated convolutions (HiFi-GAN V3)."""

    def __init__(self, channels: int, kernel_size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.receptive_field = sum(dilation * (kernel_size // 2) for dilation in dilations)
        self.dilated = nn.ModuleList(_convolution(channels, kernel_size, dilation) for dilation in dilations)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform x [B, H, T] under the mask [B, 1, T]."""
        for dilated in self.dilated:
            x = x + dilated(masked(F.leaky_relu(x, _SLOPE), mask))
        return x


class Parallel(nn.Module):
    """The mean of several residual blocks on the same input: HiFi-GAN's multi-receptive field fusion."""

    def __init__(self, blocks: Sequence[ResidualBlock]) -> None:
        super().__init__()
        self.receptive_field = max(block.receptive_field for block in blocks)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform x [B, H, T] under the mask [B, 1, T]."""
        total = self.blocks[0](x, mask)
        for block in self.blocks[1:]:
            total = total + block(x, mask)
        return total / len(self.blocks)


class UpsamplingDecoder(Decoder):
    """Transposed convolutions, each followed by multi-receptive field fusion, up to the last layer.

    Shared by HiFi-GAN and by decoders that replace its last upsampling with an inverse STFT.
    """

    def __init__(
        self,
        *,
        latent_channels: int,
        initial_channels: int,
        upsample_rates: Sequence[int],
        upsample_kernel_sizes: Sequence[int],
        residual_block: int,
        residual_kernel_sizes: Sequence[int],
        residual_dilations: Sequence[Sequence[int]],
        speaker_channels: int = 0,
    ) -> None:
        super().__init__()
        self.upsample_rates, self.upsample_kernel_sizes = tuple(upsample_rates), tuple(upsample_kernel_sizes)
        block: type[ResidualBlock1] | type[ResidualBlock2] = ResidualBlock1 if residual_block == 1 else ResidualBlock2
        self.input = nn.Conv1d(latent_channels, initial_channels, 7, padding=3)
        self.speaker = nn.Conv1d(speaker_channels, initial_channels, 1) if speaker_channels else None
        self.upsamples = nn.ModuleList()
        self.residuals = nn.ModuleList()
        channels = initial_channels
        # The published code intends N(0, 0.01) for these weights, but its weight norm overwrites them with torch's
        # default, which the published voices were therefore trained from; here the default is explicit.
        for rate, kernel_size in zip(upsample_rates, upsample_kernel_sizes, strict=True):
            upsample = nn.ConvTranspose1d(channels, channels // 2, kernel_size, rate, padding=(kernel_size - rate) // 2)
            self.upsamples.append(weight_norm(upsample))
            channels //= 2
            shapes = zip(residual_kernel_sizes, residual_dilations, strict=True)
            self.residuals.append(Parallel([block(channels, kernel, dilations) for kernel, dilations in shapes]))
        self.channels = channels  # after the last upsampling

    @property
    def receptive_field(self) -> int:
        """Frames to each side of its own that a sample depends on."""
        field = self.output_positions().before_convolution(7)
        stages = list(zip(self.upsample_rates, self.upsample_kernel_sizes, self.residuals, strict=True))
        for rate, kernel_size, residuals in reversed(stages):
            assert isinstance(residuals, Parallel)
            field = field.widened(residuals.receptive_field).before_upsampling(kernel_size, rate)
        return field.before_convolution(7).radius

    @abstractmethod
    def output_positions(self) -> ReceptiveField:
        """The positions of `output` that the samples of frame 0 depend on."""

    def upsampled(self, z: Tensor, speaker: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Everything before `output`, which is a convolution with a kernel of 7.

        Args:
            z: [B, Z, F].
            speaker: [B, C, 1].
            mask: [B, 1, F].

        Returns:
            [B, `channels`, T] and the mask at that rate, [B, 1, T].
        """
        x = self.input(masked(z, mask))
        if self.speaker is not None:
            assert speaker is not None, "a multi-speaker model needs speaker ids"
            x = x + self.speaker(speaker)
        for rate, upsample, residuals in zip(self.upsample_rates, self.upsamples, self.residuals, strict=True):
            x = upsample(masked(self.before_upsampling(x), mask))  # [B, H, T * rate]
            mask = None if mask is None else mask.repeat_interleave(rate, dim=2)
            x = residuals(x, mask)
        return masked(self.before_output(x, mask), mask), mask

    def before_upsampling(self, x: Tensor) -> Tensor:
        """The activation before each transposed convolution."""
        return F.leaky_relu(x, _SLOPE)

    def before_output(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The activation before the last convolution."""
        return F.leaky_relu(x)


class HifiganDecoder(UpsamplingDecoder, kinds=["hifigan"]):
    """HiFi-GAN: transposed convolutions up to the sample rate."""

    def __init__(self, **stages: Any) -> None:
        super().__init__(**stages)
        self.output = nn.Conv1d(self.channels, 1, 7, padding=3, bias=False)

    def output_positions(self) -> ReceptiveField:
        """The positions of `output` that the samples of frame 0 depend on."""
        return ReceptiveField(0, math.prod(self.upsample_rates) - 1)

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Decode latents z [B, Z, F] of a speaker [B, C, 1] under the mask [B, 1, F] to [B, 1, S]."""
        x, mask = self.upsampled(z, speaker, mask)
        return masked(torch.tanh(self.output(x)), mask)


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Apply a mask; None leaves x as it is."""
    return x if mask is None else x * mask


def _convolution(channels: int, kernel_size: int, dilation: int) -> nn.Module:
    padding = dilation * (kernel_size - 1) // 2
    return weight_norm(nn.Conv1d(channels, channels, kernel_size, dilation=dilation, padding=padding))
