"""Distances of two recordings that are aligned in time: of log-mel spectrograms, also as PSNR, and of several STFTs.

S samples · F frames · M mel bands · K bins · G frames of one transform
"""

import functools
import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from data.spectrogram import LOG_MEL_RANGE, MelSpectrogram

Audio = npt.NDArray[np.float32]  # [S], mono, full scale at 1
Frames = npt.NDArray[np.floating]  # [F, values of a frame]

MEL_BANDS = 80
# Half a hop and a window at 22 050 Hz, as in VITS; the same durations at other rates.
_HALF_HOP, _WINDOW, _RATE_HZ = 128, 1024, 22050
# n_fft, hop and window of Yamamoto, Song & Kim (2020), table 1: in samples, at every rate.
_RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
_LEAST_POWER = 1e-7  # some 100 dB below the loudest tone


def hop_samples(sample_rate: int) -> int:
    """The hop of all metrics that have frames: 256 samples at 22 050 Hz, some 11.6 ms.

    Frame f has its middle at (f + 0.5) hops, and a recording of S samples has S // hop frames.
    """
    return 2 * round(_HALF_HOP * sample_rate / _RATE_HZ)


def log_mel(audio: Audio, sample_rate: int) -> Frames:
    """Natural logarithms of 80 mel bands up to half the sample rate; at 22 050 Hz those of training.

    Args:
        audio: float32 [S].
        sample_rate: in hertz.

    Returns:
        [F, M], at least ln(1e-5).
    """
    with torch.inference_mode():
        mel: Tensor = _mel_spectrogram(sample_rate)(torch.from_numpy(np.array(audio, np.float32))[None])  # [1, M, F]
    return mel[0].T.numpy()


def mel_distance(reference: Audio, other: Audio, sample_rate: int) -> float:
    """Mean absolute difference of two log-mel spectrograms, in nats, up to the end of the shorter recording.

    NaN where that is shorter than a frame.
    """
    first, second = log_mel(reference, sample_rate), log_mel(other, sample_rate)
    frames = min(len(first), len(second))
    return float(np.abs(first[:frames] - second[:frames]).mean()) if frames else float("nan")


def mel_psnr(reference: Audio, other: Audio, sample_rate: int) -> float:
    """Peak signal-to-noise ratio of two log-mel spectrograms in dB, up to the end of the shorter recording.

    The peak is the range of log-mel values of speech, 11.5 nats. NaN where that is shorter than a frame.
    """
    first, second = log_mel(reference, sample_rate), log_mel(other, sample_rate)
    frames = min(len(first), len(second))
    return peak_signal_to_noise_ratio(first[:frames], second[:frames], peak=LOG_MEL_RANGE)


def peak_signal_to_noise_ratio(reference: Frames, other: Frames, *, peak: float) -> float:
    """10 log10(peak^2 / MSE) in dB: infinite where both are the same, NaN where there is nothing to compare.

    Args:
        reference: of any shape.
        other: of the same shape.
        peak: the largest possible difference of two values.
    """
    if reference.size == 0:
        return float("nan")
    error = float(np.square(reference.astype(np.float64) - other).mean())
    return 10 * math.log10(peak**2 / error) if error > 0 else math.inf


def multi_resolution_stft_distance(reference: Audio, other: Audio) -> float:
    """Spectral convergence and log magnitude distance, the mean of three transforms (Yamamoto, Song & Kim, 2020).

    Equations 4 to 6 of section 2.2, up to the end of the shorter recording: 0 where both are the same. The paper's
    windows of 1200, 600 and 240 samples are taken at every sample rate.
    """
    samples = min(len(reference), len(other))
    if samples == 0:
        return float("nan")
    both = torch.from_numpy(np.stack((reference[:samples], other[:samples])).astype(np.float32))
    with torch.inference_mode():
        return float(torch.stack([_stft_distance(*_magnitudes(both, *each)) for each in _RESOLUTIONS]).mean())


def _stft_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Magnitudes [K, G] to a 0-d tensor."""
    convergence = torch.linalg.matrix_norm(real - fake) / torch.linalg.matrix_norm(real)
    return convergence + (real.log() - fake.log()).abs().mean()


def _magnitudes(audio: Tensor, n_fft: int, hop: int, window: int) -> Tensor:
    """Signals [2, S] to magnitudes [2, K, G]."""
    spectrum = torch.stft(
        audio, n_fft, hop, window, torch.hann_window(window), pad_mode="constant", return_complex=True
    )
    return torch.view_as_real(spectrum).square().sum(-1).clamp(min=_LEAST_POWER).sqrt()


@functools.lru_cache(maxsize=4)
def _mel_spectrogram(sample_rate: int) -> MelSpectrogram:
    window = round(_WINDOW * sample_rate / _RATE_HZ)
    return MelSpectrogram(
        sample_rate=sample_rate,
        n_fft=1 << (window - 1).bit_length(),
        window_length=window,
        hop_length=hop_samples(sample_rate),
        mel_bands=MEL_BANDS,
        fmin_hz=0.0,
        fmax_hz=None,
    )
