"""Dilated depth-separable convolutions of the stochastic duration predictor (VITS, appendix B.3).

B batch · H channels · P phonemes
"""

from torch import Tensor, nn
from torch.nn import functional as F

from models.layers.dropout import Dropout


class SeparableStack(nn.Module):
    """Residual layers of a depth-wise and a point-wise convolution; each dilation is the last times the kernel size."""

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
        self.pointwise = nn.ModuleList(nn.Linear(channels, channels) for _ in range(layers))
        self.depthwise_norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(layers))
        self.pointwise_norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(layers))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """Transform x [B, H, P] under the mask [B, 1, P], after adding the condition [B, H, P] where there is one."""
        if condition is not None:
            x = x + condition
        # Channels last throughout, as the norms and linear layers need them: fewer transposes.
        x, mask_last = x.transpose(1, 2).contiguous(), mask.transpose(1, 2)  # [B, P, H], [B, P, 1]
        layers = zip(self.depthwise, self.depthwise_norms, self.pointwise, self.pointwise_norms, strict=True)
        for depthwise, depthwise_norm, pointwise, pointwise_norm in layers:
            y = depthwise((x * mask_last).transpose(1, 2)).transpose(1, 2)  # [B, P, H]
            y = F.gelu(depthwise_norm(y))
            y = F.gelu(pointwise_norm(pointwise(y)))
            x = x + self.dropout(y)
        return x.transpose(1, 2).contiguous() * mask  # [B, H, P]
