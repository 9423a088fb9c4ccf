"""Dilated depth-separable convolutions of the stochastic duration predictor (VITS, appendix B.3).

B batch · H channels · P phonemes
"""

from torch import Tensor, nn
from torch.nn import functional as F

from models.layers.channel_norm import ChannelNorm


class SeparableStack(nn.Module):
    """Residual layers of a depth-wise and a point-wise convolution; the dilation grows by the kernel size."""

    def __init__(self, channels: int, kernel_size: int, layers: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        self.depthwise = nn.ModuleList(
            nn.Conv1d(
                channels,
                channels,
                kernel_size,
                groups=channels,
                dilation=kernel_size**layer,
                padding=(kernel_size - 1) * kernel_size**layer // 2,
            )
            for layer in range(layers)
        )
        self.pointwise = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(layers))
        self.depthwise_norms = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.pointwise_norms = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """Transform x [B, H, P] under the mask [B, 1, P], after adding the condition [B, H, P] where there is one."""
        if condition is not None:
            x = x + condition
        layers = zip(self.depthwise, self.depthwise_norms, self.pointwise, self.pointwise_norms, strict=True)
        for depthwise, depthwise_norm, pointwise, pointwise_norm in layers:
            y = F.gelu(depthwise_norm(depthwise(x * mask)))
            y = F.gelu(pointwise_norm(pointwise(y)))
            x = x + self.dropout(y)
        return x * mask
