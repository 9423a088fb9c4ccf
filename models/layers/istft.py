"""The inverse short-time Fourier transform as a convolution with a fixed kernel.

Overlap-add of windowed frames divided by the sum of the squared windows, the least-squares inverse (Griffin & Lim,
1984, equation 6), as in torch.istft. A hop of samples depends on n_fft / hop frames, so all of it is one convolution
over frames: no complex numbers, and twice as fast in ONNX Runtime as a transposed convolution with a large kernel.

B batch · K bins (n_fft // 2 + 1) · F frames · M = n_fft / hop frames that overlap · S = F * hop samples
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InverseStft(nn.Module):
    """Spectra to samples, one hop for each frame; samples beyond both ends are dropped.

    Args:
        n_fft: length of the transform and of its Hann window, in samples; a multiple of the hop, twice at least.
        hop: samples between frames; n_fft and n_fft - hop are even.
    """

    waves: Tensor
    squared_window: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        # On the CPU even under a meta device: these buffers are in no file.
        time, bins = (torch.arange(count, dtype=torch.float64, device="cpu") for count in (n_fft, n_fft // 2 + 1))
        angle = 2 * math.pi / n_fft * (bins[:, None] * time).remainder(n_fft)  # [K, n_fft]
        twice = torch.full_like(bins, 2.0)[:, None]  # every bin but the first and the last stands for its conjugate too
        twice[0] = twice[-1] = 1.0
        window = torch.hann_window(n_fft, dtype=torch.float64, device="cpu")
        waves = torch.cat((twice * angle.cos(), -twice * angle.sin())) * window / n_fft  # [2K, n_fft]
        self.register_buffer("waves", self._kernel(waves), persistent=False)  # [hop, 2K, M]
        self.register_buffer("squared_window", self._kernel(window.square()[None]), persistent=False)  # [hop, 1, M]

    def forward(self, real: Tensor, imaginary: Tensor, mask: Tensor | None = None) -> Tensor:
        """Transform in float32 under any autocast.

        Args:
            real: [B, K, F].
            imaginary: [B, K, F]; the first and the last bin's have no effect.
            mask: [B, 1, F], ones at real frames; the output is that of these frames alone.

        Returns:
            [B, 1, S].
        """
        with torch.autocast(real.device.type, enabled=False):
            spectrum = torch.cat((real, imaginary), dim=1).to(self.waves.dtype)  # [B, 2K, F]
            if mask is None:
                return self._overlap_add(spectrum, self.waves) / self._overlap_add(
                    torch.ones_like(spectrum[:1, :1]), self.squared_window
                )
            mask = mask.to(self.waves.dtype)
            in_clip = mask.repeat_interleave(self.hop, dim=2)
            overlap = self._overlap_add(mask, self.squared_window)
            return self._overlap_add(spectrum * mask, self.waves) * in_clip / torch.where(in_clip > 0, overlap, 1.0)

    def _overlap_add(self, frames: Tensor, kernel: Tensor) -> Tensor:
        """Overlap-add of frames [B, C, F] with a kernel [hop, C, M]: [B, 1, S]."""
        hops = F.conv1d(frames, kernel, padding=self.n_fft // self.hop - 1)  # [B, hop, F + M - 1]
        samples = hops.transpose(1, 2).flatten(1).unsqueeze(1)
        margin = (self.n_fft - self.hop) // 2
        return samples[:, :, margin : samples.shape[2] - margin]

    def _kernel(self, waves: Tensor) -> Tensor:
        """The samples of each channel of a frame, [C, n_fft], as a kernel over frames, [hop, C, M]."""
        return waves.float().unflatten(1, (-1, self.hop)).permute(2, 0, 1).flip(2).contiguous()
