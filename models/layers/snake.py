"""Snake, a periodic activation, and its anti-aliased form.

x + sin²(αx) / β (Ziyin, Hartwig & Ueda, 2020, equation 3), with α and β per channel as in BigVGAN (Lee et al., 2023,
section 3.1 and its published code). Its harmonics would alias, so it is applied at twice the rate, between low-pass
filters (section 3.2; Karras et al., 2021).

B batch · C channels · T time · L taps
"""

import torch
from torch import Tensor, nn

from models.layers.depthwise import depthwise

_HALF_TAPS = 6  # half the length of BigVGAN's filter
_CUTOFF = 0.25  # cycles per sample at the doubled rate: the Nyquist frequency of the signal
_KAISER_BETA = 4.6638  # 51 dB, with a transition of 0.3 cycles per sample on each side of the cutoff


class Snake(nn.Module):
    """x + sin²(αx) / β, not anti-aliased. α and β start at one and are learned as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.zeros(channels, 1))
        self.log_beta = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Activate [B, C, T]."""
        return x + torch.sin(x * self.log_alpha.exp()).square() * torch.exp(-self.log_beta)


class AntialiasedSnake(Snake):
    """Snake at twice the rate: upsample, activate, low-pass, downsample.

    The signal is padded with zeros. Padding by repetition, as BigVGAN has it, would make the output depend on where a
    batch or a chunk ends.
    """

    receptive_field = _HALF_TAPS - 1  # positions to each side

    early: Tensor
    late: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        taps = lowpass_taps()
        # Polyphase form: the filter at the doubled rate is two filters at the signal's rate, its even and its odd taps.
        # No zeros are inserted and no outputs are discarded.
        self.register_buffer("early", taps[0::2].expand(channels, 1, -1).contiguous(), persistent=False)
        self.register_buffer("late", taps[1::2].expand(channels, 1, -1).contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Activate [B, C, T], in float32 under any autocast: rounded taps would not sum to one."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.early.dtype)
            # Padded by the length of the filter, which the second filter needs.
            even = super().forward(depthwise(x, 2 * self.late, padding=self.receptive_field))  # [B, C, T + L / 2 - 1]
            odd = super().forward(depthwise(x, 2 * self.early, padding=self.receptive_field))
            return depthwise(even, self.early) + depthwise(odd, self.late)  # [B, C, T]


def lowpass_taps() -> Tensor:
    """A Kaiser-windowed sinc [L] with gain 0.5 at the cutoff; its taps sum to one."""
    count = 2 * _HALF_TAPS
    # On the CPU even under a meta device: these buffers are in no file.
    time = torch.arange(count, dtype=torch.float64, device="cpu") - (count - 1) / 2
    window = torch.kaiser_window(count, periodic=False, beta=_KAISER_BETA, dtype=torch.float64, device="cpu")
    taps = torch.sinc(2 * _CUTOFF * time) * window
    return (taps / taps.sum()).float()
