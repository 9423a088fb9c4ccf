"""A periodic activation, and how it is kept from folding what lies beyond Nyquist back into the signal.

x + sin²(αx) / β: Ziyin, Hartwig & Ueda (2020), equation 3, with α and β for each channel as in BigVGAN (Lee et al.,
2023, section 3.1 and its published code). Its harmonics reach further than the rate of the signal can hold, so the
signal is brought to twice the rate before it and back after it, both through a low-pass filter (section 3.2; Karras et
al., 2021).

B batch · C channels · T time · L taps
"""

import torch
from torch import Tensor, nn

from models.layers.depthwise import depthwise

_HALF_TAPS = 6  # of the filter, BigVGAN's: so many places of the signal
_CUTOFF = 0.25  # cycles a place of the doubled rate: half its band, which is all that the signal can hold
_KAISER_BETA = 4.6638  # 51 dB, over a slope of 0.3 cycles a place on each side of the cutoff


class Snake(nn.Module):
    """x + sin²(αx) / β, without regard for aliasing. Both letters start at one, and are learned as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.zeros(channels, 1))
        self.log_beta = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Activate [B, C, T]."""
        return x + torch.sin(x * self.log_alpha.exp()).square() * torch.exp(-self.log_beta)


class AntialiasedSnake(Snake):
    """The same at twice the rate: upsample, activate, low-pass, downsample.

    Beyond both ends the signal is zero, and so is what becomes of it: a clip does not know where a batch or a piece of
    it ends, which it would if its last place were repeated.
    """

    field = _HALF_TAPS - 1  # places to each side that a place depends on

    early: Tensor
    late: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        taps = lowpass_taps()
        # A filter at the doubled rate is two at the plain one, the even taps and the odd ones; the one is the other
        # backwards. So no zeros are put between the places and no result is thrown away.
        self.register_buffer("early", taps[0::2].expand(channels, 1, -1).contiguous(), persistent=False)
        self.register_buffer("late", taps[1::2].expand(channels, 1, -1).contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Activate [B, C, T], in float32, whatever the autocast: rounded taps would not sum to one."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.early.dtype)
            # With the filter's whole tail on both sides, which the way back needs.
            even = super().forward(depthwise(x, 2 * self.late, padding=self.field))  # [B, C, T + L / 2 - 1]
            odd = super().forward(depthwise(x, 2 * self.early, padding=self.field))
            return depthwise(even, self.early) + depthwise(odd, self.late)  # [B, C, T]


def lowpass_taps() -> Tensor:
    """A Kaiser-windowed sinc [L] that halves what lies at the cutoff; its taps sum to one."""
    count = 2 * _HALF_TAPS
    # With a device of their own, since where a file is read, weights are first made without numbers, and these stay.
    time = torch.arange(count, dtype=torch.float64, device="cpu") - (count - 1) / 2
    window = torch.kaiser_window(count, periodic=False, beta=_KAISER_BETA, dtype=torch.float64, device="cpu")
    taps = torch.sinc(2 * _CUTOFF * time) * window
    return (taps / taps.sum()).float()
