"""Self-attention with relative positions (Shaw et al., "Self-Attention with Relative Position Representations", 2018).

B batch · P positions · H channels · A heads · D = H / A channels per head · W window
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.layers.dropout import Dropout

_MASKED = -1e4  # its softmax is zero, and it is finite in half precision


class RelativeAttention(nn.Module):
    """Multi-head self-attention with relative embeddings of keys and values up to W positions away.

    Equations 3 and 4 of the paper, except that a key beyond the window has no relative term. All heads share the
    relative embeddings, as in VITS.
    """

    def __init__(self, channels: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.output = nn.Linear(channels, channels)
        self.dropout = Dropout(dropout)
        head_channels = channels // heads
        self.relative_keys = nn.Parameter(torch.randn(2 * window + 1, head_channels) / math.sqrt(head_channels))
        self.relative_values = nn.Parameter(torch.randn(2 * window + 1, head_channels) / math.sqrt(head_channels))
        for projection in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(projection.weight)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend from every position to every real position.

        Args:
            x: [B, P, H].
            mask: [B, 1, P], ones at real positions.

        Returns:
            [B, P, H].
        """
        query, key, value = (self._split(project(x)) for project in (self.query, self.key, self.value))
        query = query / math.sqrt(query.shape[-1])  # [B, A, P, D]
        distance, near = self._distances(x.shape[1], x.device)  # [P, P], [P, P]

        scores = query @ key.transpose(2, 3)  # [B, A, P, P]
        by_distance = query @ self.relative_keys.T  # [B, A, P, 2W+1]
        scores = scores + by_distance.gather(3, distance.expand_as(scores)) * near
        # Not -inf, which gives NaN for an utterance without real positions.
        scores = scores.masked_fill(mask[:, None] == 0, _MASKED)
        weights = self.dropout(scores.softmax(dim=-1))  # [B, A, P, P]

        attended = weights @ value + self._diagonals(weights) @ self.relative_values  # [B, A, P, D]
        return self.output(attended.transpose(1, 2).flatten(2))  # [B, P, H]

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # [B, A, P, D]

    def _distances(self, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """For query i and key j: row j - i + W of the relative embeddings, clamped, and whether it exists."""
        position = torch.arange(size, device=device)
        row = position[None, :] - position[:, None] + self.window
        return row.clamp(0, 2 * self.window), (row >= 0) & (row <= 2 * self.window)

    def _diagonals(self, weights: Tensor) -> Tensor:
        """The weights of the 2W+1 keys around each query, zero beyond the ends: [B, A, P, 2W+1]."""
        size = weights.shape[-1]
        padded = F.pad(weights, (self.window, self.window))  # [B, A, P, P + 2W]
        position = torch.arange(size, device=weights.device)
        index = position[:, None] + torch.arange(2 * self.window + 1, device=weights.device)  # [P, 2W+1]
        return padded.gather(3, index.expand(weights.shape[0], weights.shape[1], -1, -1))
