"""Mel cepstra and their distortion: against WORLD, SPTK and pymcd, none of which the metrics need."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from metrics import cepstra
from metrics.cepstra import mel_cepstra, mel_cepstral_distortion, spectral_envelope
from metrics.pitch import track_pitch
from metrics.spectra import Audio, hop_samples
from tests.metrics.conftest import RATE, harmonic_tone
from tests.metrics.degradation import degraded

Spoil = Callable[[Audio], Audio]


def half_volume(audio: Audio) -> Audio:
    return np.float32(0.5) * audio


def noisy(audio: Audio) -> Audio:
    return degraded(audio, "noise", -35.0)


def muffled(audio: Audio) -> Audio:
    return degraded(audio, "low-pass", 2000.0)


def higher(audio: Audio) -> Audio:
    return degraded(audio, "pitch shift", 2.0)


def slower(audio: Audio) -> Audio:
    return degraded(audio, "time stretch", 1.2)


def test_the_envelope_is_that_of_world(sentences: Sequence[Audio]) -> None:
    pyworld = pytest.importorskip("pyworld", reason="needs pyworld")
    audio = sentences[0].astype(np.float64)
    hz, seconds = pyworld.dio(audio, RATE)
    expected = pyworld.cheaptrick(audio, hz, seconds, RATE, fft_size=cepstra.N_FFT)
    ours = spectral_envelope(sentences[0], np.round(seconds * RATE).astype(int), np.where(hz > 0, hz, np.nan))
    apart_db = np.abs(10 * np.log10(ours / expected))
    # WORLD adds a little noise, which is seen where the recording has nothing.
    assert np.median(apart_db) < 1e-4
    assert np.quantile(apart_db, 0.99) < 0.5


def test_the_coefficients_are_those_of_sptk(sentences: Sequence[Audio]) -> None:
    pytest.importorskip("pyworld", reason="pysptk needs what it needs")
    sptk = pytest.importorskip("pysptk", reason="needs pysptk").sptk
    hz = track_pitch(sentences[0], RATE).hz
    places = np.round(np.arange(400) * cepstra.FRAME_SECONDS * RATE).astype(int)
    envelope = spectral_envelope(sentences[0], places, hz[places // hop_samples(RATE)])
    expected = sptk.mcep(
        envelope, order=13, alpha=cepstra.WARPING, maxiter=0, etype=1, eps=cepstra.POWER_FLOOR**2, min_det=0, itype=3
    )
    np.testing.assert_allclose(mel_cepstra(sentences[0], RATE)[:400], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "tolerance"), [(half_volume, 0.05), (noisy, 0.05), (muffled, 0.05), (higher, 0.05), (slower, 0.2)]
)
def test_the_distortion_is_near_that_of_pymcd(
    sentences: Sequence[Audio], tmp_path: Path, spoil: Spoil, tolerance: float
) -> None:
    pymcd = pytest.importorskip("pymcd.mcd", reason="needs pymcd")
    other = spoil(sentences[1])
    soundfile.write(tmp_path / "reference.wav", sentences[1], RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "other.wav", other, RATE, subtype="FLOAT")
    expected = pymcd.Calculate_MCD("dtw").calculate_mcd(str(tmp_path / "reference.wav"), str(tmp_path / "other.wav"))
    assert mel_cepstral_distortion(sentences[1], other, RATE) == pytest.approx(expected, rel=tolerance)


def test_the_energy_of_a_louder_copy_counts_in_full() -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=RATE).astype(np.float32)
    difference = mel_cepstra(2 * noise, RATE) - mel_cepstra(noise, RATE)
    np.testing.assert_allclose(difference.mean(0), [math.log(4), *[0] * cepstra.ORDER], atol=0.01)


def test_other_sample_rates_measure_the_same() -> None:
    tone = harmonic_tone(np.geomspace(120, 240, 2 * RATE), RATE)
    other = harmonic_tone(np.geomspace(130, 260, 2 * RATE), RATE, noise=0.01)
    here = mel_cepstral_distortion(tone, other, RATE)
    tone, other = (soxr.resample(audio, RATE, 48000) for audio in (tone, other))
    assert mel_cepstral_distortion(tone, other, 48000) == pytest.approx(here, rel=0.02)


def test_the_same_audio_has_no_distortion_and_too_little_has_none_to_tell() -> None:
    tone = harmonic_tone(np.full(RATE, 150.0), RATE)
    assert mel_cepstral_distortion(tone, tone, RATE) == 0
    silence = np.zeros(RATE, np.float32)
    assert mel_cepstral_distortion(silence, silence, RATE) == 0
    assert mel_cepstral_distortion(tone, silence, RATE) > 10
    assert math.isnan(mel_cepstral_distortion(tone, tone[:100], RATE))
