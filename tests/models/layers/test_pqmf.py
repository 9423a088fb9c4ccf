"""The bank takes a signal apart into bands and puts it together again, 60 dB and more above what goes wrong."""

import math
from pathlib import Path

import pytest
import soundfile
import torch
from torch import Tensor

import models.layers.pqmf
from models.layers.pqmf import Pqmf
from tests.voices.random_voice import noise

SPEECH = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "ljspeech_dev" / "wavs"


def decibels(signal: Tensor, error: Tensor) -> float:
    return 10 * math.log10(float(signal.square().sum() / error.square().sum()))


def reconstruction(bank: Pqmf, signal: Tensor) -> float:
    """How far above the error of going there and back a signal is, away from both ends."""
    again, inside = bank.synthesis(bank.analysis(signal)), slice(bank.length, -bank.length)
    assert again.shape == signal.shape
    return decibels(signal[..., inside], (again - signal)[..., inside])


@pytest.mark.parametrize("bands", [2, 3, 4, 8])
def test_noise_comes_back_as_it_was(bands: int) -> None:
    bank, signal = Pqmf(bands), noise(2, 1, 2400 * bands)
    assert bank.analysis(signal).shape == (2, bands, 2400)
    assert reconstruction(bank, signal) > 64


@pytest.mark.parametrize("bands", [2, 3, 4, 8])
def test_bands_that_are_joined_are_found_again(bands: int) -> None:
    bank, made = Pqmf(bands), noise(2, bands, 2400)
    again, inside = bank.analysis(bank.synthesis(made)), slice(40, -40)
    assert decibels(made[..., inside], (again - made)[..., inside]) > 64


def test_speech_comes_back_as_it_was() -> None:
    if not SPEECH.exists():
        pytest.skip(f"real speech is not present: {SPEECH}")
    for path in sorted(SPEECH.iterdir())[:5]:
        audio, _ = soundfile.read(path, dtype="float32")
        signal = torch.from_numpy(audio[: len(audio) // 4 * 4]).view(1, 1, -1)
        assert reconstruction(Pqmf(4), signal) > 60


@pytest.mark.parametrize("band", range(4))
def test_a_tone_in_the_middle_of_a_band_is_heard_in_no_other_and_as_loud_as_it_is(band: int) -> None:
    tone = torch.cos(math.pi / 4 * (band + 0.4) * torch.arange(4000.0)).view(1, 1, -1)
    power = Pqmf(4).analysis(tone)[0, :, 100:-100].square().mean(dim=1)
    others = torch.cat((power[:band], power[band + 1 :]))
    assert float(power[band]) == pytest.approx(0.5, rel=0.01)
    assert 10 * math.log10(float(others.max() / power[band])) < -60


@pytest.mark.parametrize("name", ["_CUTOFF", "_BETA"])
def test_the_filter_is_the_best_of_its_kind(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signal, value = noise(1, 1, 40_000), getattr(models.layers.pqmf, name)
    best = reconstruction(Pqmf(4), signal)
    for other in (0.95, 1.05):
        monkeypatch.setattr(models.layers.pqmf, name, other * value)
        assert reconstruction(Pqmf(4), signal) < best


def test_autocast_changes_nothing_and_nothing_is_saved() -> None:
    bank, signal = Pqmf(4), noise(1, 1, 400)
    bands = bank.analysis(signal)
    with torch.autocast("cpu", torch.bfloat16):
        within = bank.analysis(signal), bank.synthesis(bands)
    assert torch.equal(within[0], bands)
    assert torch.equal(within[1], bank.synthesis(bands))
    assert not bank.state_dict()
