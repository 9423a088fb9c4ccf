"""Real speech that is spoiled more and more: every metric that hears it moves the right way, every time."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pytest

from metrics.cepstra import mel_cepstral_distortion
from metrics.perception import dnsmos, missing, pesq_wideband, stoi
from metrics.pitch import PitchDifference, pitch_difference, track_pitch
from metrics.spectra import Audio, mel_distance, multi_resolution_stft_distance
from tests.metrics.conftest import RATE
from tests.metrics.degradation import STRENGTHS, degraded, warped_mel_distance

SPECTRAL = {"mel", "stft", "warped mel", "cepstral distortion"}
# The larger the worse, and the larger the better.
GROWS = {
    "noise": SPECTRAL | {"periodicity error"},
    "low-pass": SPECTRAL | {"periodicity error"},
    "pitch shift": SPECTRAL,
    "time stretch": {"mel", "stft"},
}
FALLS = {
    "noise": {"pesq", "stoi", "voiced f1"},
    "low-pass": {"pesq", "stoi"},
    "pitch shift": {"pesq", "stoi"},
    "time stretch": {"pesq", "voiced f1"},
}


def measured(reference: Audio, other: Audio, names: Collection[str]) -> dict[str, float]:
    """These metrics of a degraded recording."""

    def pitch() -> PitchDifference:
        return pitch_difference(track_pitch(reference, RATE), track_pitch(other, RATE))

    metrics: dict[str, Callable[[], float]] = {
        "mel": lambda: mel_distance(reference, other, RATE),
        "stft": lambda: multi_resolution_stft_distance(reference, other),
        "warped mel": lambda: warped_mel_distance(reference, other, RATE),
        "cepstral distortion": lambda: mel_cepstral_distortion(reference, other, RATE),
        "periodicity error": lambda: pitch().periodicity_rmse,
        "voiced f1": lambda: pitch().voiced_f1,
        "pesq": lambda: pesq_wideband(reference, other, RATE),
        "stoi": lambda: stoi(reference, other, RATE),
    }
    return {name: metrics[name]() for name in names}


@pytest.fixture(scope="module")
def undegraded(sentences: Sequence[Audio]) -> list[dict[str, float]]:
    """Every metric of recordings against themselves."""
    return [measured(audio, audio, set().union(*GROWS.values(), *FALLS.values())) for audio in sentences[1:]]


@pytest.mark.parametrize("kind", STRENGTHS)
def test_the_more_speech_is_spoiled_the_worse_it_measures(
    sentences: Sequence[Audio], undegraded: list[dict[str, float]], kind: str
) -> None:
    names = (GROWS[kind] | FALLS[kind]) - missing().keys()
    levels = [
        undegraded,
        *(
            [measured(audio, degraded(audio, kind, strength), names) for audio in sentences[1:]]
            for strength in STRENGTHS[kind]
        ),
    ]
    for name in names:
        means = np.mean([[figures[name] for figures in level] for level in levels], axis=1)
        worse = np.diff(means) if name in GROWS[kind] else -np.diff(means)
        assert (worse > 0).all(), (name, means)


def test_warping_forgives_another_pace_but_not_other_words(sentences: Sequence[Audio]) -> None:
    slow = degraded(sentences[1], "time stretch", 1.3)
    assert warped_mel_distance(sentences[1], slow, RATE) < 0.15 * mel_distance(sentences[1], slow, RATE)
    for distance in (warped_mel_distance, mel_cepstral_distortion):
        assert distance(sentences[1], slow, RATE) < 0.3 * distance(sentences[1], sentences[2], RATE)


@pytest.mark.skipif("dnsmos" in missing(), reason="speechmos or onnxruntime is not installed")
def test_noise_lowers_the_opinion_of_the_background_and_of_the_whole(sentences: Sequence[Audio]) -> None:
    scores = [dnsmos(degraded(sentences[2], "noise", level), RATE) for level in (-70.0, -50.0, -30.0)]
    nobody = dnsmos(degraded(0 * sentences[2], "noise", -30.0), RATE)
    assert nobody.overall < scores[-1].overall - 0.2
    for opinions in zip(*((score.background, score.overall, score.p808) for score in scores), strict=True):
        assert (np.diff(opinions) < -0.2).all()
        assert 1 <= min(opinions) <= max(opinions) <= 5
