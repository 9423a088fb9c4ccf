"""A small network from log-mel frames to the embedding of a speaker: dilated convolutions, then statistics pooling.

Snyder, Garcia-Romero, Sell, Povey & Khudanpur, "X-Vectors: Robust DNN Embeddings for Speaker Recognition" (2018),
section 2.2.

B batch · F frames · M mel bands · C channels · E embedding
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LAYERS = ((5, 1), (3, 2), (3, 3))  # kernel size and dilation
_VARIANCE_FLOOR = 1e-5


class SpeakerEncoder(nn.Module):
    """Embeddings of length 1, whose inner product is a cosine similarity.

    The embedding of a clip does not depend on the batch or on padding.

    Args:
        bands: M.
        channels: C.
        embedding: E.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, bands: int, channels: int = 128, embedding: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(bands, 1))  # of the bands of a corpus, in nats
        self.register_buffer("deviation", torch.ones(bands, 1))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, channels, kernel, dilation=dilation, padding=kernel // 2 * dilation)
            for width, (kernel, dilation) in zip((bands, channels, channels), _LAYERS, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in _LAYERS)
        self.output = nn.Linear(2 * channels, embedding)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Log-mel [B, M, F] under the mask [B, 1, F] to embeddings [B, E]."""
        hidden = (frames - self.mean) / self.deviation * mask
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            hidden = F.relu(norm(convolution(hidden).mT).mT) * mask
        count = mask.sum(dim=2).clamp(min=1)  # [B, 1]
        mean = hidden.sum(dim=2) / count  # [B, C]
        variance = ((hidden - mean[:, :, None]) * mask).square().sum(dim=2) / count
        pooled = torch.cat((mean, (variance + _VARIANCE_FLOOR).sqrt()), dim=1)
        return F.normalize(self.output(pooled), dim=1)
