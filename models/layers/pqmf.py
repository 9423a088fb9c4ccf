"""A pseudo-quadrature mirror filter bank: a signal as sub-bands of equal width, and back (Nguyen, 1994).

Every filter is one low-pass filter, moved to the middle of its band by a cosine; synthesis is the transpose of
analysis. Neighbouring bands overlap, and what each folds over at their border cancels in the sum; bands further apart
do not hear each other. What is left is 65 dB below the signal, with any number of bands.

B batch · N sub-bands · S samples · L length of a filter
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The low-pass filter is a Kaiser window times a sinc: its length, its cutoff and the window's beta. A search for the
# least error of reconstruction of white noise, over beta (in quarters) and cutoff, gave the same to four digits for 2,
# 4 and 8 bands. A longer filter gains little (67.9 dB at 32 a band); the cutoff is critical (MB-iSTFT-VITS has 0.6 in
# place of 0.566 at a length of 15.5 a band, and 22 dB).
_TAPS_PER_BAND = 16  # the filter is one longer, and so has a middle
_CUTOFF = 0.5641  # in widths of a band
_BETA = 8.5


class Pqmf(nn.Module):
    """Analysis and synthesis without delay, in float32 whatever the autocast.

    Within half a filter of both ends of a signal, where it is cut off, reconstruction is worse.

    Args:
        bands: N, which divides the number of samples.
    """

    filters: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands, self.length = bands, _TAPS_PER_BAND * bands + 1
        # On the CPU, for no file holds the filters: a synthesizer that is built without values has them all the same.
        time = torch.arange(self.length, dtype=torch.float64, device="cpu") - self.length // 2
        window = torch.kaiser_window(self.length, periodic=False, beta=_BETA, dtype=torch.float64, device="cpu")
        low_pass = torch.sinc(_CUTOFF / bands * time) * window
        band = torch.arange(bands, dtype=torch.float64, device="cpu")[:, None]
        shift = (-1.0) ** band * math.pi / 4  # opposite in neighbours: so what they fold over cancels
        filters = low_pass * torch.cos(math.pi / bands * (band + 0.5) * time + shift)
        filters = filters / filters.norm()  # a sample that went there and back is, on average, as large as it was
        self.register_buffer("filters", filters.float().unsqueeze(1), persistent=False)  # [N, 1, L]

    def analysis(self, audio: Tensor) -> Tensor:
        """Samples [B, 1, S] to sub-bands [B, N, S / N], as loud in its band as the signal is."""
        with torch.autocast(audio.device.type, enabled=False):
            audio = audio.to(self.filters.dtype)
            return F.conv1d(audio, self.filters, stride=self.bands, padding=self.length // 2)

    def synthesis(self, sub_bands: Tensor) -> Tensor:
        """Sub-bands [B, N, S / N] to samples [B, 1, S]."""
        with torch.autocast(sub_bands.device.type, enabled=False):
            return F.conv_transpose1d(
                sub_bands.to(self.filters.dtype),
                self.filters * self.bands,
                stride=self.bands,
                padding=self.length // 2,
                output_padding=self.bands - 1,
            )
