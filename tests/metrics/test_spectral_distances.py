"""Distances of spectra: against the transforms of others, and pencil arithmetic."""

import math

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio

from configs import AudioSettings
from data.spectrogram import MelSpectrogram
from metrics.spectra import (
    hop_samples,
    log_mel,
    mel_distance,
    mel_psnr,
    multi_resolution_stft_distance,
    peak_signal_to_noise_ratio,
)
from tests.metrics.conftest import RATE, harmonic_tone

NOISE = np.random.default_rng(0).normal(scale=0.1, size=RATE).astype(np.float32)


def test_log_mel_is_that_which_voices_are_trained_on() -> None:
    import torch

    audio = AudioSettings()
    trained_on = MelSpectrogram(
        sample_rate=audio.sample_rate,
        n_fft=audio.n_fft,
        window_length=audio.window_length,
        hop_length=audio.hop_length,
        mel_bands=audio.mel_bands,
        fmin_hz=audio.fmin_hz,
        fmax_hz=audio.fmax_hz,
    )(torch.from_numpy(NOISE)[None])[0]
    np.testing.assert_array_equal(log_mel(NOISE, RATE), trained_on.T.numpy())
    assert hop_samples(RATE) == audio.hop_length


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_frames_last_as_long_at_every_sample_rate(rate: int) -> None:
    assert hop_samples(rate) / rate == pytest.approx(256 / 22050, rel=0.01)
    assert len(log_mel(np.zeros(rate, np.float32), rate)) == rate // hop_samples(rate)


@given(st.floats(0.05, 1.0))
def test_a_copy_at_another_volume_is_as_far_as_the_logarithm_of_the_gain(gain: float) -> None:
    assert mel_distance(NOISE, np.float32(gain) * NOISE, RATE) == pytest.approx(-math.log(gain), abs=2e-3)


def test_the_longer_recording_is_cut_to_the_shorter() -> None:
    longer = np.concatenate((NOISE, NOISE))
    assert mel_distance(NOISE, longer, RATE) < 0.05  # the last frames look beyond the end
    assert multi_resolution_stft_distance(NOISE, longer) == 0


def test_the_stft_distance_is_that_of_librosas_transforms() -> None:
    fake = (NOISE + np.random.default_rng(1).normal(scale=0.02, size=len(NOISE))).astype(np.float32)
    expected = []
    for n_fft, hop, window in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        one, two = (
            librosa.stft(audio, n_fft=n_fft, hop_length=hop, win_length=window, pad_mode="constant")
            for audio in (NOISE, fake)
        )
        one, two = (np.sqrt(np.maximum(np.abs(spectrum) ** 2, 1e-7)) for spectrum in (one, two))
        expected.append(np.linalg.norm(two - one) / np.linalg.norm(one) + np.abs(np.log(two) - np.log(one)).mean())
    assert multi_resolution_stft_distance(NOISE, fake) == pytest.approx(np.mean(expected), rel=1e-4)


def test_a_copy_of_half_the_volume_has_a_distance_that_a_pencil_finds() -> None:
    # Convergence |1 - 1/2| / 1, and ln 2 for each bin: noise has none below the floor.
    assert multi_resolution_stft_distance(NOISE, np.float32(0.5) * NOISE) == pytest.approx(0.5 + math.log(2), rel=1e-3)


def test_the_same_audio_is_at_distance_zero_and_too_little_has_none() -> None:
    tone = harmonic_tone(np.full(RATE, 150.0), RATE)
    assert mel_distance(tone, tone, RATE) == 0
    assert multi_resolution_stft_distance(tone, tone) == 0
    assert math.isnan(mel_distance(tone[:100], tone, RATE))
    assert math.isnan(multi_resolution_stft_distance(tone[:0], tone))


@given(st.floats(1e-4, 0.5), st.sampled_from([1.0, 11.5, 255.0]))
def test_psnr_is_that_of_scikit_image(noise: float, peak: float) -> None:
    drawn = np.random.default_rng(0)
    reference = peak * drawn.random((20, 30))
    other = reference + peak * noise * drawn.normal(size=(20, 30))
    expected = peak_signal_noise_ratio(reference, other, data_range=peak)
    assert peak_signal_to_noise_ratio(reference, other, peak=peak) == pytest.approx(expected, rel=1e-12)


def test_psnr_by_pencil_and_that_a_square_root_of_the_squared_error_in_its_logarithm_is_wrong() -> None:
    """Some tutorials print 10 log10(MAX^2 / sqrt(MSE)), which mixes a power with an amplitude."""
    reference, other, peak = np.zeros((4, 4)), np.full((4, 4), 0.1), 10.0
    right = peak_signal_to_noise_ratio(reference, other, peak=peak)
    assert right == pytest.approx(40.0)  # 10 log10(100 / 0.01), as 20 log10(10 / 0.1)
    mixed = 10 * math.log10(peak**2 / math.sqrt(0.01))
    assert mixed == pytest.approx(30.0)
    assert peak_signal_noise_ratio(reference, other, data_range=peak) == pytest.approx(right)
    # The unit in which both are measured must not matter: in millis it does to the mixed one.
    assert peak_signal_to_noise_ratio(1000 * reference, 1000 * other, peak=1000 * peak) == pytest.approx(right)
    assert 10 * math.log10((1000 * peak) ** 2 / math.sqrt(1000**2 * 0.01)) == pytest.approx(mixed + 30)


def test_the_psnr_of_mel_spectrograms_is_that_of_a_gain_and_infinite_for_what_is_the_same() -> None:
    # Every cell differs by ln 2, of a range of ln 1e5.
    assert mel_psnr(NOISE, np.float32(0.5) * NOISE, RATE) == pytest.approx(
        20 * math.log10(math.log(1e5) / math.log(2)), abs=0.01
    )
    assert mel_psnr(NOISE, NOISE, RATE) == math.inf
    assert math.isnan(mel_psnr(NOISE[:100], NOISE, RATE))
