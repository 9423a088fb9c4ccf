"""The deterministic duration predictor (FastSpeech, 2019; VITS compares with it in section 4.1).

B batch · P phonemes · H hidden channels · C speaker channels
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.layers.dropout import Dropout


class ChannelNorm(nn.LayerNorm):
    """`nn.LayerNorm` over the channels of [B, C, T] (Ba et al., 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each position over its channels: [B, C, T] -> [B, C, T]."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class DurationPredictor(nn.Module):
    """Two convolutions and a projection to the logarithm of the duration."""

    def __init__(
        self, *, hidden_channels: int, channels: int, kernel_size: int, dropout: float, speaker_channels: int = 0
    ) -> None:
        super().__init__()
        self.speaker = nn.Conv1d(speaker_channels, hidden_channels, 1) if speaker_channels else None
        self.first = nn.Conv1d(hidden_channels, channels, kernel_size, padding=kernel_size // 2)
        self.first_norm = ChannelNorm(channels)
        self.second = nn.Conv1d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.second_norm = ChannelNorm(channels)
        self.projection = nn.Conv1d(channels, 1, 1)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        hidden: Tensor,
        mask: Tensor,
        durations: Tensor,
        speaker: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Squared error of the log durations, summed over the phonemes of each utterance.

        Args:
            hidden: [B, H, P], from the text encoder, which receives no gradient from here.
            mask: [B, 1, P].
            durations: [B, P], frames per phoneme.
            speaker: [B, C, 1], or None for a single voice.
            generator: unused; the stochastic predictor draws noise from it.

        Returns:
            [B] in float32.
        """
        target = torch.log(durations.float() + 1e-6).unsqueeze(1)  # [B, 1, P]
        error = (self.predict(hidden, mask, speaker) - target) * mask
        return error.square().sum(dim=(1, 2))

    def predict(
        self,
        hidden: Tensor,
        mask: Tensor,
        speaker: Tensor | None = None,
        *,
        noise_scale: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Log durations [B, 1, P] in float32, zero where the mask is; the noise arguments are unused."""
        x = hidden.detach()
        if self.speaker is not None:
            assert speaker is not None, "a multi-speaker model needs speaker ids"
            x = x + self.speaker(speaker.detach())
        x = self.dropout(self.first_norm(F.relu(self.first(x * mask))))
        x = self.dropout(self.second_norm(F.relu(self.second(x * mask))))
        return (self.projection(x * mask) * mask).float()

    @torch.no_grad()
    def stretch(self, factor: float) -> None:
        """Make all that it predicts `factor` times as long."""
        assert self.projection.bias is not None
        self.projection.bias += math.log(factor)
