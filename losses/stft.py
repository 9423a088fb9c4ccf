"""Multi-resolution STFT loss (Yamamoto, Song & Kim, 2020, section 2.2), on the waveform or on sub-bands of it.

Long windows resolve frequency and short ones time. Computed per sub-band (Yang et al., 2021, section 2.2), quiet
sub-bands weigh as much as loud ones.

B batch · N sub-bands · S samples · T samples of a sub-band · K bins · G frames
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST_POWER = 1e-7  # about 100 dB below the loudest tone: quieter bins are equal and receive no gradient


@dataclass(frozen=True)
class Resolution:
    """One short-time Fourier transform, in samples of what is transformed."""

    n_fft: int
    hop: int
    window: int


# Of the paper's table 1, in samples at every sample rate.
RESOLUTIONS = (Resolution(1024, 120, 600), Resolution(2048, 240, 1200), Resolution(512, 50, 240))
# Windows and hops of MB-iSTFT-VITS for four sub-bands: windows of 27, 54 and 11 ms at 22 050 Hz. They alone set the
# resolution; its transforms of 384, 683 and 171 points are powers of two here, which are faster.
SUBBAND_RESOLUTIONS = (Resolution(256, 30, 150), Resolution(512, 60, 300), Resolution(64, 10, 60))


def stft_loss(
    real: Tensor, generated: Tensor, mask: Tensor | None = None, resolutions: Sequence[Resolution] = RESOLUTIONS
) -> Tensor:
    """Spectral convergence plus log-magnitude distance of waveforms, averaged over transforms (equations 4 to 6).

    The arguments of `subband_stft_loss` with one band, [B, 1, S]. It too is computed over the whole batch.
    """
    return subband_stft_loss(real, generated, mask, resolutions)


def subband_stft_loss(
    bands_real: Tensor,
    bands_generated: Tensor,
    mask: Tensor | None = None,
    resolutions: Sequence[Resolution] = SUBBAND_RESOLUTIONS,
) -> Tensor:
    """Spectral convergence plus log-magnitude distance, averaged over sub-bands and over transforms.

    Spectral convergence is computed over the whole batch, because a clip that is silent in a sub-band would otherwise
    dominate. Micro-batches therefore do not add up exactly to the loss of the whole batch.

    Args:
        bands_real: [B, N, T], the target, which receives no gradient.
        bands_generated: [B, N, T].
        mask: [B, 1, T], ones up to each clip's end; both signals are zero after it, and frames centred after it do not
            count. None counts every frame.
        resolutions: of the transforms.

    Returns:
        0-d tensor.
    """
    both = torch.stack((bands_real.detach().float(), bands_generated.float()))  # [2, B, N, T]
    parts = []
    for resolution in resolutions:
        real, generated = _magnitudes(both, resolution)  # [B, N, K, G]
        counts = torch.ones_like(both[0, :, :1]) if mask is None else mask
        counts = at_frames(counts, resolution).unsqueeze(2)  # [B, 1, 1, G]
        parts.append(spectral_convergence(real, generated, counts) + log_magnitude_distance(real, generated, counts))
    return torch.stack(parts).mean()


def spectral_convergence(real: Tensor, generated: Tensor, mask: Tensor) -> Tensor:
    """Norm of the difference relative to the norm of the real magnitudes, averaged over sub-bands (equation 4).

    Args:
        real: magnitudes [B, N, K, G].
        generated: magnitudes [B, N, K, G].
        mask: [B, 1, 1, G].

    Returns:
        0-d tensor.
    """
    difference, whole = (torch.linalg.vector_norm(x * mask, dim=(0, 2, 3)) for x in (generated - real, real))  # [N]
    return (difference / whole).mean()


def log_magnitude_distance(real: Tensor, generated: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of log magnitudes (equation 5), with the arguments of `spectral_convergence`."""
    cells = mask.sum() * real.shape[1] * real.shape[2]
    return ((generated.log() - real.log()).abs() * mask).sum() / cells


def spectrum(signals: Tensor, resolution: Resolution) -> Tensor:
    """Float32 signals [..., T] to complex spectra [..., K, G] of frames centred at 0, hop, 2 * hop ... before T."""
    of_each = torch.stft(
        signals.flatten(0, -2),
        resolution.n_fft,
        resolution.hop,
        resolution.window,
        torch.hann_window(resolution.window, device=signals.device),
        pad_mode="constant",
        return_complex=True,
    )
    frames = -(-signals.shape[-1] // resolution.hop)  # stft adds one, centred at T, where hop divides T
    return of_each[..., :frames].unflatten(0, signals.shape[:-1])


def at_frames(mask: Tensor, resolution: Resolution) -> Tensor:
    """A mask [B, 1, T] at the centre of each frame of `spectrum`, float32 [B, 1, G]."""
    return mask.float()[:, :, :: resolution.hop]


def _magnitudes(signals: Tensor, resolution: Resolution) -> Tensor:
    """Signals [..., T] to magnitudes [..., K, G]."""
    return torch.view_as_real(spectrum(signals, resolution)).square().sum(-1).clamp(min=_LEAST_POWER).sqrt()
