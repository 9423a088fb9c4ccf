"""The normalizing flow between the posterior's z and the prior's z_p (VITS, equation 4 and section 2.5.2).

Affine coupling layers (RealNVP; Dinh et al., 2017) that shift and do not scale, so the volume never changes and the
log-determinant is zero (VITS, appendix B.1).

B batch · Z latent channels · H hidden channels · C speaker channels · F frames
"""

import torch
from torch import Tensor, nn

from models.layers.wavenet import WaveNet


class CouplingLayer(nn.Module):
    """Shifts the second half of the channels by the output of a WaveNet on the first half."""

    def __init__(
        self, latent_channels: int, hidden_channels: int, kernel_size: int, layers: int, speaker_channels: int
    ) -> None:
        super().__init__()
        half = latent_channels // 2
        self.input = nn.Conv1d(half, hidden_channels, 1)
        self.wavenet = WaveNet(hidden_channels, kernel_size, layers, speaker_channels)
        self.shift = nn.Conv1d(hidden_channels, half, 1)
        # Zeros: the flow starts as a reversal of the channels.
        nn.init.zeros_(self.shift.weight)
        assert self.shift.bias is not None
        nn.init.zeros_(self.shift.bias)

    def forward(self, first: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """The shift of the second half, [B, Z/2, F], given the first half [B, Z/2, F]."""
        hidden = self.wavenet(self.input(first) * mask, mask, speaker)
        return self.shift(hidden) * mask


class Flow(nn.Module):
    """Coupling layers with the channels reversed after each, so that each half is shifted in turn."""

    def __init__(
        self,
        *,
        latent_channels: int,
        hidden_channels: int,
        kernel_size: int,
        coupling_layers: int,
        wavenet_layers: int,
        speaker_channels: int = 0,
    ) -> None:
        super().__init__()
        # Frames to each side of its own that a frame depends on.
        self.receptive_field = coupling_layers * wavenet_layers * (kernel_size // 2)
        self.couplings = nn.ModuleList(
            CouplingLayer(latent_channels, hidden_channels, kernel_size, wavenet_layers, speaker_channels)
            for _ in range(coupling_layers)
        )

    def forward(self, z: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """From the posterior's side to the prior's: z [B, Z, F] -> z_p [B, Z, F]."""
        for coupling in self.couplings:
            first, second = z.chunk(2, dim=1)
            z = torch.cat((first, (second + coupling(first, mask, speaker)) * mask), dim=1).flip(1)
        return z

    def inverse(self, z_p: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """From the prior's side to the posterior's: z_p [B, Z, F] -> z [B, Z, F]."""
        for coupling in reversed(self.couplings):
            first, second = z_p.flip(1).chunk(2, dim=1)
            z_p = torch.cat((first, (second - coupling(first, mask, speaker)) * mask), dim=1)
        return z_p
