"""The inverse short-time Fourier transform as a convolution with a fixed kernel.

Windowed cosines and sines make samples of each frame, neighbouring frames are added where they overlap, and the sum is
divided by that of the squared windows: least squares (Griffin & Lim, 1984, equation 6), as in torch.istft. A hop of
samples depends on n_fft / hop neighbouring frames, so all of it is one plain convolution: no complex numbers, and in
ONNX Runtime twice as fast as a transposed one with a large kernel.

B batch · K bins (n_fft // 2 + 1) · F frames · M = n_fft / hop frames that overlap · S = F * hop samples
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InverseStft(nn.Module):
    """Spectra to samples, a hop of samples for each frame: what overhangs at both ends is cut off.

    Args:
        n_fft: length of the transform and of its Hann window, in samples; a multiple of the hop, twice at least.
        hop: samples between frames; n_fft and n_fft - hop are even.
    """

    waves: Tensor
    squared_window: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        # On the CPU, for no file holds these: a synthesizer that is built without values has them all the same.
        time, bins = (torch.arange(count, dtype=torch.float64, device="cpu") for count in (n_fft, n_fft // 2 + 1))
        angle = 2 * math.pi / n_fft * (bins[:, None] * time).remainder(n_fft)  # [K, n_fft]
        twice = torch.full_like(bins, 2.0)[:, None]  # every bin stands for its mirror image too, except both ends
        twice[0] = twice[-1] = 1.0
        window = torch.hann_window(n_fft, dtype=torch.float64, device="cpu")
        waves = torch.cat((twice * angle.cos(), -twice * angle.sin())) * window / n_fft  # [2K, n_fft]
        self.register_buffer("waves", self._kernel(waves), persistent=False)  # [hop, 2K, M]
        self.register_buffer("squared_window", self._kernel(window.square()[None]), persistent=False)  # [hop, 1, M]

    def forward(self, real: Tensor, imaginary: Tensor, mask: Tensor | None = None) -> Tensor:
        """Transform in float32, whatever the autocast.

        Args:
            real: [B, K, F].
            imaginary: [B, K, F]; that of the first and the last bin is not heard.
            mask: [B, 1, F], ones at frames that count; the others are silent, as if the clip ended there.

        Returns:
            [B, 1, S].
        """
        with torch.autocast(real.device.type, enabled=False):
            spectrum = torch.cat((real, imaginary), dim=1).to(self.waves.dtype)  # [B, 2K, F]
            if mask is None:
                return self._added(spectrum, self.waves) / self._added(
                    torch.ones_like(spectrum[:1, :1]), self.squared_window
                )
            mask = mask.to(self.waves.dtype)
            audible = mask.repeat_interleave(self.hop, dim=2)
            overlap = self._added(mask, self.squared_window)
            return self._added(spectrum * mask, self.waves) * audible / torch.where(audible > 0, overlap, 1.0)

    def _added(self, frames: Tensor, kernel: Tensor) -> Tensor:
        """Frames [B, C, F] with a kernel [hop, C, M], added where they overlap: [B, 1, S]."""
        hops = F.conv1d(frames, kernel, padding=self.n_fft // self.hop - 1)  # [B, hop, F + M - 1]
        samples = hops.transpose(1, 2).flatten(1).unsqueeze(1)
        margin = (self.n_fft - self.hop) // 2
        return samples[:, :, margin : samples.shape[2] - margin]

    def _kernel(self, waves: Tensor) -> Tensor:
        """What a convolution over frames multiplies with, [hop, C, M], of the samples that a frame makes [C, n_fft]."""
        return waves.float().unflatten(1, (-1, self.hop)).permute(2, 0, 1).flip(2).contiguous()
