"""Layer normalisation (Ba et al., 2016) over the channels of a [B, C, T] tensor."""

from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """`nn.LayerNorm` for tensors whose channels come second."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each place over its channels: [B, C, T] -> [B, C, T]."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)
