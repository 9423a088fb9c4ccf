"""Distance between two signals in several short-time Fourier transforms (Yamamoto, Song & Kim, 2020, section 2.2).

A long window tells close frequencies apart and a short one close moments; the error that one transform does not see,
another does. Taken inside each sub-band of a signal (Yang et al., 2021, section 2.2), the quiet ones count like the
loud.

B batch · N sub-bands · T samples of a sub-band · K bins · G frames
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST_POWER = 1e-7  # some 100 dB below the loudest tone: quieter bins are not told apart, and not taught


@dataclass(frozen=True)
class Resolution:
    """One short-time Fourier transform, in samples of the sub-band."""

    n_fft: int
    hop: int
    window: int


# Windows and hops are those of MB-iSTFT-VITS, for four sub-bands: windows of 27, 54 and 11 ms at 22 050 Hz. They alone
# decide what is resolved; its transforms of 384, 683 and 171 points are powers of two here, which are faster.
SUBBAND_RESOLUTIONS = (Resolution(256, 30, 150), Resolution(512, 60, 300), Resolution(64, 10, 60))


def subband_stft_loss(
    bands_real: Tensor,
    bands_fake: Tensor,
    mask: Tensor | None = None,
    resolutions: Sequence[Resolution] = SUBBAND_RESOLUTIONS,
) -> Tensor:
    """Spectral convergence and the distance of log magnitudes, the mean over sub-bands and over transforms.

    Every sub-band's spectral convergence is that of the whole batch: a clip that is silent there would outweigh all
    others if it stood for itself. So the parts of a batch do not add up to the whole to the last digit.

    Args:
        bands_real: [B, N, T].
        bands_fake: [B, N, T].
        mask: [B, 1, T], ones up to each clip's end, where both signals are zero afterwards; frames whose middle lies
            beyond it do not count. None counts every frame.
        resolutions: of the transforms.

    Returns:
        0-d tensor.
    """
    both = torch.stack((bands_real.float(), bands_fake.float()))  # [2, B, N, T]
    parts = []
    for resolution in resolutions:
        real, fake = _magnitudes(both, resolution)  # [B, N, K, G]
        counts = torch.ones_like(both[0, :, :1]) if mask is None else mask.float()
        counts = counts[:, :, None, :: resolution.hop]  # [B, 1, 1, G], where the frames have their middles
        parts.append(spectral_convergence(real, fake, counts) + log_magnitude_distance(real, fake, counts))
    return torch.stack(parts).mean()


def spectral_convergence(real: Tensor, fake: Tensor, mask: Tensor) -> Tensor:
    """The norm of the difference in proportion to that of the real, the mean over sub-bands (equation 4).

    Args:
        real: magnitudes [B, N, K, G].
        fake: magnitudes [B, N, K, G].
        mask: [B, 1, 1, G].

    Returns:
        0-d tensor.
    """
    difference, whole = (torch.linalg.vector_norm(x * mask, dim=(0, 2, 3)) for x in (fake - real, real))  # [N]
    return (difference / whole).mean()


def log_magnitude_distance(real: Tensor, fake: Tensor, mask: Tensor) -> Tensor:
    """The mean absolute difference of natural logarithms (equation 5), with the arguments of `spectral_convergence`."""
    cells = mask.sum() * real.shape[1] * real.shape[2]
    return ((fake.log() - real.log()).abs() * mask).sum() / cells


def _magnitudes(signals: Tensor, resolution: Resolution) -> Tensor:
    """Signals [..., T] to magnitudes [..., K, G] of frames whose middles are 0, hop, 2 * hop ... before T."""
    spectrum = torch.stft(
        signals.flatten(0, -2),
        resolution.n_fft,
        resolution.hop,
        resolution.window,
        torch.hann_window(resolution.window, device=signals.device),
        pad_mode="constant",
        return_complex=True,
    )
    power = torch.view_as_real(spectrum).square().sum(-1).clamp(min=_LEAST_POWER)
    frames = -(-signals.shape[-1] // resolution.hop)  # there is one more, in the middle of nothing, where hop divides T
    return power.sqrt()[..., :frames].unflatten(0, signals.shape[:-1])
