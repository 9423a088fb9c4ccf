"""Models of listeners: what they say of the same audio, of too little, and without their libraries."""

import math
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from metrics import speaker
from metrics.perception import dnsmos, missing, pesq_wideband, stoi
from metrics.speaker import speaker_embedding
from metrics.spectra import Audio
from tests.metrics.conftest import RATE, harmonic_tone

needs_pesq = pytest.mark.skipif("pesq" in missing(), reason="pesq is not installed")
needs_stoi = pytest.mark.skipif("stoi" in missing(), reason="pystoi is not installed")
needs_dnsmos = pytest.mark.skipif("dnsmos" in missing(), reason="speechmos or onnxruntime is not installed")

NOISE = np.random.default_rng(0).normal(scale=0.1, size=RATE).astype(np.float32)
SILENCE = np.zeros(RATE, np.float32)


@needs_pesq
def test_identical_audio_has_the_highest_pesq_there_is(sentences: Sequence[Audio]) -> None:
    assert pesq_wideband(sentences[0], sentences[0], RATE) == pytest.approx(4.644, abs=1e-3)


@needs_stoi
def test_identical_audio_is_understood_in_full(sentences: Sequence[Audio]) -> None:
    assert stoi(sentences[0], sentences[0], RATE) == pytest.approx(1, abs=1e-6)


@needs_pesq
@needs_stoi
def test_a_copy_that_is_a_little_longer_is_compared_up_to_the_end_of_the_other(sentences: Sequence[Audio]) -> None:
    longer = np.pad(sentences[0], (0, 200))
    assert pesq_wideband(sentences[0], longer, RATE) == pytest.approx(4.644, abs=1e-3)
    assert stoi(longer, sentences[0], RATE) == pytest.approx(1, abs=1e-6)


@needs_pesq
@needs_stoi
@pytest.mark.parametrize("samples", [0, 1, 100, 2000, 5000])
def test_too_little_audio_has_no_figure(samples: int) -> None:
    assert math.isnan(pesq_wideband(NOISE[:samples], NOISE[:samples], RATE))
    assert math.isnan(stoi(NOISE[:samples], NOISE[:samples], RATE))


@needs_pesq
@needs_stoi
def test_silence_has_no_quality_and_is_not_understood() -> None:
    assert math.isnan(pesq_wideband(NOISE, SILENCE, RATE))
    assert math.isnan(pesq_wideband(SILENCE, NOISE, RATE))
    assert stoi(harmonic_tone(np.full(RATE, 150.0), RATE), SILENCE, RATE) < 0.01


@needs_dnsmos
def test_noise_is_a_background_and_no_speech() -> None:
    score = dnsmos(NOISE, RATE)
    assert max(score.background, score.overall, score.p808) < 2.6
    assert math.isnan(dnsmos(NOISE[:0], RATE).overall)


@pytest.mark.parametrize("library", ["pesq", "pystoi", "speechmos", "onnxruntime", "resemblyzer"])
def test_a_library_that_is_not_installed_is_named_and_its_measure_is_left_out(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    metric = {"pesq": "pesq", "pystoi": "stoi", "resemblyzer": "speaker encoder"}.get(library, "dnsmos")
    install = {"resemblyzer": "--no-deps resemblyzer webrtcvad-wheels"}.get(library, library)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == library else object())
    for loaded in ("pesq", "pystoi", "speechmos", "resemblyzer"):
        monkeypatch.setitem(sys.modules, loaded, None)  # whoever imports it now fails
    assert missing() == {metric: f"{library} is not installed: pip install {install}"}
    left_out = {
        "pesq": lambda: pesq_wideband(NOISE, NOISE, RATE),
        "stoi": lambda: stoi(NOISE, NOISE, RATE),
        "dnsmos": lambda: dnsmos(NOISE, RATE).overall,
        "speaker encoder": lambda: float(speaker_embedding(NOISE, RATE)[0]),
    }
    assert math.isnan(left_out[metric]())


def test_a_speaker_encoder_that_cannot_be_imported_is_told_once_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "resemblyzer", None)  # whoever imports it now fails
    speaker._library.cache_clear()
    with pytest.warns(UserWarning, match=r"no speaker similarity: .*: pip install --no-deps resemblyzer") as told:
        embeddings = [speaker_embedding(NOISE, RATE) for _ in range(2)]
    assert np.isnan(embeddings).all()
    assert len(told) == 1
    speaker._library.cache_clear()
