"""Gated residual convolutions of WaveNet (van den Oord et al., 2016), non-causal, as in WaveGlow.

B batch · H hidden channels · C speaker channels · F frames
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class WaveNet(nn.Module):
    """A stack of tanh-sigmoid gates; the result is the sum of all skip connections."""

    def __init__(self, channels: int, kernel_size: int, layers: int, speaker_channels: int = 0) -> None:
        super().__init__()
        self.channels = channels
        self.gates = nn.ModuleList(
            weight_norm(nn.Conv1d(channels, 2 * channels, kernel_size, padding=kernel_size // 2)) for _ in range(layers)
        )
        # The last layer has a skip connection only.
        self.residual_skips = nn.ModuleList(
            weight_norm(nn.Conv1d(channels, 2 * channels if layer < layers - 1 else channels, 1))
            for layer in range(layers)
        )
        self.speaker = weight_norm(nn.Conv1d(speaker_channels, 2 * channels * layers, 1)) if speaker_channels else None

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """The sum of the skip connections.

        Args:
            x: [B, H, F], zero where the mask is.
            mask: [B, 1, F].
            speaker: [B, C, 1], or None for a single voice.

        Returns:
            [B, H, F], zero where the mask is.
        """
        conditions: list[Tensor | None] = [None] * len(self.gates)
        if self.speaker is not None:
            assert speaker is not None, "a multi-speaker model needs speaker ids"
            conditions = list(self.speaker(speaker).chunk(len(self.gates), dim=1))  # each [B, 2H, 1]
        skips = torch.zeros_like(x)
        for gate, residual_skip, condition in zip(self.gates, self.residual_skips, conditions, strict=True):
            gated = gate(x) if condition is None else gate(x) + condition  # [B, 2H, F]
            content, opening = gated.chunk(2, dim=1)
            both = residual_skip(content.tanh() * opening.sigmoid())
            if both.shape[1] == 2 * self.channels:
                residual, skip = both.chunk(2, dim=1)
                x = (x + residual) * mask
            else:
                skip = both
            skips = skips + skip
        return skips * mask
