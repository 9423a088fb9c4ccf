"""Pitch: against tones whose pitch is known, WORLD on real speech, and pencil arithmetic of differences."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import soxr

from metrics.pitch import Pitch, log_f0_rmse, pitch_difference, track_pitch
from metrics.spectra import Audio, hop_samples
from metrics.warping import WarpingPath
from tests.metrics.conftest import RATE, harmonic_tone
from tests.metrics.degradation import degraded

SECONDS = 2
EDGE_FRAMES = 3  # whose window reaches beyond the end


def glide(kind: str, rate: int) -> np.ndarray:
    """Pitch in hertz at every sample."""
    time = np.arange(SECONDS * rate) / rate
    return {
        "up": 80 * 5 ** (time / SECONDS),
        "down": 400 * 5 ** (-time / SECONDS),
        "straight": 80 + 320 * time / SECONDS,
        "vibrato": 200 * 2 ** (0.25 * np.sin(4 * np.pi * time)),
        "low": np.full(len(time), 80.0),
        "high": np.full(len(time), 400.0),
        "child": 550 - 125 * time,
    }[kind]


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
@pytest.mark.parametrize("kind", ["up", "down", "straight", "vibrato", "low", "high", "child"])
@pytest.mark.parametrize(
    ("noise", "worst_cents"), [(0.0, 1.5), (0.01, 5.0)]
)  # none, and at -40 dBFS under a tone of -15
def test_a_glide_is_followed_within_two_cents(kind: str, rate: int, noise: float, worst_cents: float) -> None:
    hz = glide(kind, rate)
    pitch = track_pitch(harmonic_tone(hz, rate, noise), rate)
    hop = hop_samples(rate)
    assert len(pitch.hz) == len(hz) // hop
    expected = hz[hop // 2 :: hop][: len(pitch.hz)]
    cents = np.abs(1200 * np.log2(pitch.hz / expected))[EDGE_FRAMES:-EDGE_FRAMES]
    assert pitch.voiced[EDGE_FRAMES:-EDGE_FRAMES].all()
    assert np.median(cents) < 1
    assert cents.max() < worst_cents
    assert pitch.periodicity[EDGE_FRAMES:-EDGE_FRAMES].min() > 0.93


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=3 * RATE).astype(np.float32)
    pitch = track_pitch(noise, RATE)
    assert pitch.voiced.mean() < 0.02
    assert pitch.periodicity.mean() < 0.4
    np.testing.assert_array_equal(np.isnan(pitch.hz), ~pitch.voiced)
    silent = track_pitch(np.zeros(RATE, np.float32), RATE)
    assert not silent.voiced.any()
    assert not silent.periodicity.any()
    assert len(track_pitch(noise[:100], RATE).hz) == 0


def test_periodicity_is_the_share_of_the_power_that_is_a_tone() -> None:
    time = np.arange(3 * RATE) / RATE
    harmonics = np.cos(2 * np.pi * 150 * np.arange(1, 19)[:, None] * time)
    tone = harmonics.sum(axis=0) / 3  # of power 1, up to 2.7 kHz
    noise = soxr.resample(np.random.default_rng(0).normal(size=3 * RATE), RATE * 0.27, RATE, quality="VHQ")[: len(time)]
    noise /= np.sqrt(np.mean(np.square(noise)))  # below 3 kHz, where all power counts
    for share in (0.6, 0.8, 0.95):
        mixed = 0.1 * (math.sqrt(share) * tone[: len(noise)] + math.sqrt(1 - share) * noise)
        found = track_pitch(mixed.astype(np.float32), RATE).periodicity[EDGE_FRAMES:-EDGE_FRAMES]
        assert found.mean() == pytest.approx(share, abs=0.04)


def test_volume_changes_nothing(sentences: Sequence[Audio]) -> None:
    loud, soft = (track_pitch(gain * sentences[0], RATE) for gain in (1, np.float32(2**-6)))
    np.testing.assert_array_equal(loud.voiced, soft.voiced)
    np.testing.assert_allclose(loud.hz, soft.hz, rtol=1e-6)


def test_a_long_recording_is_followed_as_its_parts_are() -> None:
    part = harmonic_tone(glide("up", RATE), RATE)[: 172 * hop_samples(RATE)]
    whole = track_pitch(np.tile(part, 13), RATE)  # frames of more than one block
    alone = track_pitch(part, RATE)
    np.testing.assert_allclose(
        whole.hz.reshape(13, -1)[:, EDGE_FRAMES:-EDGE_FRAMES],
        np.tile(alone.hz[EDGE_FRAMES:-EDGE_FRAMES], (13, 1)),
        rtol=1e-5,
    )


def test_speech_has_the_pitch_that_world_finds(sentences: Sequence[Audio]) -> None:
    pyworld = pytest.importorskip("pyworld", reason="needs pyworld")
    ours, both_of_theirs = [], []
    for audio in sentences:
        pitch = track_pitch(audio, RATE)
        middles = (np.arange(len(pitch.hz)) + 0.5) * hop_samples(RATE) / RATE
        found = []
        for search in (pyworld.dio, pyworld.harvest):
            hz, seconds = search(audio.astype(np.float64), RATE)
            hz = pyworld.stonemask(audio.astype(np.float64), hz, seconds, RATE)
            found.append(hz[np.round(middles / 0.005).astype(int).clip(max=len(hz) - 1)])
        ours.append(pitch.hz)
        both_of_theirs.append(found)
    hz, (dio, harvest) = np.concatenate(ours), np.concatenate(both_of_theirs, axis=1)
    # The two of WORLD agree on no more than this: harvest calls nearly everything voiced.
    sure = (dio > 0) & (np.abs(harvest / np.where(dio > 0, dio, 1) - 1) < 0.05)
    assert sure.mean() > 0.5
    assert np.mean(~np.isnan(hz[sure])) > 0.92
    cents = 1200 * np.log2(hz[sure] / harvest[sure])
    cents = np.abs(cents[~np.isnan(cents)])
    assert np.median(cents) < 12
    assert np.mean(cents > 316) < 0.01  # gross errors: more than 20 %
    assert np.mean(np.isnan(hz) == (dio == 0)) > 0.78  # of voicing, as much as dio and harvest do and more


@pytest.mark.parametrize("semitones", [0.25, 1.0, -2.0])
def test_speech_that_was_shifted_is_found_shifted(sentences: Sequence[Audio], semitones: float) -> None:
    shifted = track_pitch(degraded(sentences[0], "pitch shift", semitones), RATE)
    pitch = track_pitch(sentences[0], RATE)
    frames = min(len(shifted.hz), len(pitch.hz))
    cents = 1200 * np.log2(shifted.hz[:frames] / pitch.hz[:frames])
    assert np.nanmedian(cents) == pytest.approx(100 * semitones, abs=8)
    assert pitch_difference(pitch, shifted).rmse_cents > 100 * abs(semitones)


def pitch_of(*hz: float, periodicity: float = 1.0) -> Pitch:
    """A pitch in which 0 is unvoiced."""
    values = np.array(hz)
    return Pitch(np.where(values > 0, values, np.nan), values > 0, np.full(len(values), periodicity))


def test_differences_are_those_that_a_pencil_finds() -> None:
    one = pitch_of(100, 200, 0, 150, 0, 120)
    two = pitch_of(200, 100, 110, 150, 0, 0, 130, periodicity=0.75)  # one frame more
    difference = pitch_difference(one, two)
    assert difference.rmse_cents == pytest.approx(1200 * math.sqrt(2 / 3))  # an octave up, one down, one the same
    assert difference.voiced_f1 == pytest.approx(2 * 3 / (4 + 4))
    assert difference.periodicity_rmse == pytest.approx(0.25)
    assert log_f0_rmse(one, two) == pytest.approx(math.log(2) * math.sqrt(2 / 3))


def test_a_path_brings_frames_into_step() -> None:
    one, two = pitch_of(100, 200, 0), pitch_of(100, 100, 200, 200, 0)
    path = WarpingPath(np.array([0, 0, 1, 1, 2]), np.arange(5))
    assert pitch_difference(one, two, path).rmse_cents == 0
    assert pitch_difference(one, two, path).voiced_f1 == 1
    assert pitch_difference(one, two).rmse_cents > 0


def test_where_nothing_is_voiced_no_pitch_is_compared() -> None:
    difference = pitch_difference(pitch_of(0, 0), pitch_of(0, 0))
    assert math.isnan(difference.rmse_cents)
    assert math.isnan(difference.voiced_f1)
    assert difference.periodicity_rmse == 0
    assert pitch_difference(pitch_of(100, 0), pitch_of(0, 100)).voiced_f1 == 0
