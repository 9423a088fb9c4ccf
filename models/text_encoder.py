"""Phonemes to the prior's statistics (VITS, section 2.5.2 and appendix B.1): a transformer with relative positions.

B batch · P phonemes · H hidden channels · Z latent channels
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from models.gaussian import Gaussian
from models.layers.attention import RelativeAttention
from models.layers.dropout import Dropout


@dataclass(frozen=True)
class EncodedText:
    """The output of the text encoder."""

    hidden: Tensor  # [B, H, P]
    prior: Gaussian  # [B, Z, P], before the flow


class FeedForward(nn.Module):
    """Two convolutions over neighbouring phonemes (FastSpeech, 2019) in place of the transformer's linear pair."""

    def __init__(self, channels: int, filter_channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Conv1d(channels, filter_channels, kernel_size, padding=kernel_size // 2)
        self.narrow = nn.Conv1d(filter_channels, channels, kernel_size, padding=kernel_size // 2)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform x [B, P, H] under the mask [B, 1, P]."""
        y = self.dropout(F.relu(self.widen(x.transpose(1, 2) * mask)))
        return (self.narrow(y * mask) * mask).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each followed by dropout, a residual sum and a layer norm."""

    def __init__(
        self, channels: int, filter_channels: int, heads: int, kernel_size: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention = RelativeAttention(channels, heads, window, dropout)
        self.attention_norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, filter_channels, kernel_size, dropout)
        self.feed_forward_norm = nn.LayerNorm(channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform x [B, P, H] under the mask [B, 1, P]."""
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x, mask)))


class TextEncoder(nn.Module):
    """Embedding, transformer blocks, and a projection to mean and log standard deviation."""

    def __init__(
        self,
        *,
        num_symbols: int,
        latent_channels: int,
        hidden_channels: int,
        filter_channels: int,
        heads: int,
        layers: int,
        kernel_size: int,
        window: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_symbols, hidden_channels)
        nn.init.normal_(self.embedding.weight, std=hidden_channels**-0.5)
        self.blocks = nn.ModuleList(
            TransformerBlock(hidden_channels, filter_channels, heads, kernel_size, window, dropout)
            for _ in range(layers)
        )
        self.statistics = nn.Conv1d(hidden_channels, 2 * latent_channels, 1)

    def forward(self, phoneme_ids: Tensor, mask: Tensor) -> EncodedText:
        """Encode phonemes.

        Args:
            phoneme_ids: [B, P], integers below `num_symbols`.
            mask: [B, 1, P], ones at real phonemes.

        Returns:
            Hidden states [B, H, P] and the prior [B, Z, P], both zero where the mask is.
        """
        x = self.embedding(phoneme_ids) * math.sqrt(self.embedding.embedding_dim)  # [B, P, H]
        x = x * mask.transpose(1, 2)
        for block in self.blocks:
            x = block(x, mask)
        hidden = x.transpose(1, 2) * mask  # [B, H, P]
        mean, log_std = (self.statistics(hidden) * mask).float().chunk(2, dim=1)
        return EncodedText(hidden, Gaussian(mean, log_std))
