"""HiFi-GAN's generator with periodic, anti-aliased activations (BigVGAN; Lee et al., 2023, section 3).

B batch · Z latent channels · C speaker channels · F frames · H channels · T samples at the current rate
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from models.decoders.hifigan import HifiganDecoder, Parallel, ResidualBlock1, ResidualBlock2, masked
from models.decoders.receptive_field import ReceptiveField
from models.layers.snake import AntialiasedSnake


class PeriodicRow(nn.Module):
    """Convolutions of H channels in sequence, each preceded by its own activation."""

    def __init__(self, convolutions: Sequence[nn.Module], channels: int) -> None:
        super().__init__()
        self.receptive_field = len(convolutions) * AntialiasedSnake.receptive_field  # of the activations alone
        self.activations = nn.ModuleList(AntialiasedSnake(channels) for _ in convolutions)
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform x [B, H, T] under the mask [B, 1, T]."""
        for activation, convolution in zip(self.activations, self.convolutions, strict=True):
            x = convolution(_activated(activation, x, mask))
        return x


class PeriodicBlock(nn.Module):
    """The convolutions of one of HiFi-GAN's residual blocks with periodic activations."""

    def __init__(self, block: ResidualBlock1 | ResidualBlock2, channels: int) -> None:
        super().__init__()
        others = [block.plain] if isinstance(block, ResidualBlock1) else []
        rows = [PeriodicRow(row, channels) for row in zip(block.dilated, *others, strict=True)]
        self.receptive_field = block.receptive_field + sum(row.receptive_field for row in rows)
        self.rows = nn.ModuleList(rows)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform x [B, H, T] under the mask [B, 1, T]."""
        for row in self.rows:
            x = x + row(x, mask)
        return x


class BigvganDecoder(HifiganDecoder, kinds=["bigvgan"]):
    """Periodic activations before the residual blocks' convolutions and the last one; none before upsampling."""

    def __init__(self, *, initial_channels: int, **stages: Any) -> None:
        super().__init__(initial_channels=initial_channels, **stages)
        for stage, parallel in enumerate(self.residuals):
            assert isinstance(parallel, Parallel)
            channels = initial_channels // 2 ** (stage + 1)
            blocks = [PeriodicBlock(block, channels) for block in parallel.blocks]  # type: ignore[arg-type]
            self.residuals[stage] = Parallel(blocks)  # type: ignore[arg-type]
        self.activation = AntialiasedSnake(self.channels)

    def output_positions(self) -> ReceptiveField:
        """The positions of the activation before `output` that the samples of frame 0 depend on."""
        return super().output_positions().widened(self.activation.receptive_field)

    def before_upsampling(self, x: Tensor) -> Tensor:
        """No activation."""
        return x

    def before_output(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The activation before the last convolution."""
        activated: Tensor = self.activation(masked(x, mask))  # its filters reach beyond the end
        return activated


def _activated(activation: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Activate under the mask; it is applied again because the filters spread the signal beyond its end."""
    return masked(activation(masked(x, mask)), mask)
