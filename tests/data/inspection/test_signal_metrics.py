"""The figures of a recording against pencil arithmetic and against another library."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.inspection.signal_level import SignalMetrics, count_clipped, frames_of, integrated_loudness, measure

pyloudnorm = pytest.importorskip("pyloudnorm")

RATE = 22050


def tone(hz: float = 441.0, amplitude: float = 0.5, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float, rms: float, seed: int = 0) -> np.ndarray:
    return (rms * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def measured(audio: np.ndarray, rate: int = RATE) -> SignalMetrics:
    frames = frames_of(audio, rate)
    return measure(audio, frames, rate_hz=rate, channels=1, clipped_samples=count_clipped(audio))


def every_tenth(folder: Path) -> list[np.ndarray]:
    return [soundfile.read(file, dtype="float32")[0] for file in sorted((folder / "wavs").iterdir())[::10]]


def test_a_tone_has_the_peak_level_and_mean_that_arithmetic_gives_it() -> None:
    figures = measured(tone(amplitude=0.5) + np.float32(0.1))
    assert figures.seconds == 2.0
    assert figures.peak == pytest.approx(0.6, abs=1e-3)
    assert figures.dc_offset == pytest.approx(0.1, abs=1e-5)
    assert figures.rms_dbfs == pytest.approx(10 * np.log10(0.5**2 / 2 + 0.1**2), abs=1e-3)


def test_a_tone_at_997_hz_reads_its_level_in_lufs_at_every_rate() -> None:
    for rate in (16000, 22050, 44100, 48000, 96000):
        audio = tone(hz=997, amplitude=10 ** (-20 / 20), rate=rate)
        assert integrated_loudness(audio, rate) == pytest.approx(-23.01, abs=0.01)


@pytest.mark.parametrize("hz", [30, 60, 200, 1000, 2000, 5000, 10000])
def test_weighting_is_that_of_the_standard_at_its_own_rate(hz: float) -> None:
    audio = tone(hz=hz, rate=48000, seconds=4)
    reference = pyloudnorm.Meter(48000, filter_class="DeMan").integrated_loudness(audio.astype(np.float64))
    assert integrated_loudness(audio, 48000) == pytest.approx(reference, abs=0.01)


def test_loudness_of_real_speech_agrees_with_pyloudnorm(ljspeech: Path) -> None:
    meter = pyloudnorm.Meter(RATE)
    for clip in every_tenth(ljspeech):
        whole = clip[: len(clip) // 2205 * 2205]  # pyloudnorm also counts a last block that is cut short
        reference = meter.integrated_loudness(whole.astype(np.float64))
        assert integrated_loudness(whole, RATE) == pytest.approx(reference, abs=0.06)


def test_pauses_do_not_count_towards_loudness() -> None:
    loud = tone(seconds=4)
    with_pause = np.concatenate([loud, np.zeros(8 * RATE, np.float32), loud])
    assert integrated_loudness(with_pause, RATE) == pytest.approx(integrated_loudness(loud, RATE), abs=0.3)


def test_what_is_shorter_than_a_block_or_below_the_gate_has_no_loudness() -> None:
    assert integrated_loudness(tone(seconds=0.39), RATE) is None
    assert integrated_loudness(tone(amplitude=1e-4), RATE) is None
    assert integrated_loudness(tone(seconds=0.4), RATE) is not None


def test_only_runs_of_three_at_the_extremes_are_flat_tops() -> None:
    assert count_clipped(np.array([0, 9, 9, 9, 0, 9, 9, 0, -9, -9, -9, -9, 3, 3, 3], np.float32)) == 3 + 4
    assert count_clipped(np.array([9, 9, 8, 9, 0, -9], np.float32)) == 0
    assert count_clipped(np.array([0, 1, 1, 1], np.float32)) == 3
    assert count_clipped(np.array([0, 0.001, 0.001, 0.001], np.float32)) == 0  # rounding of a quiet recording
    assert count_clipped(np.ones(9, np.float32)) == 0


def test_untouched_speech_has_no_flat_tops_and_clipped_speech_has(ljspeech: Path) -> None:
    for clip in every_tenth(ljspeech):
        assert count_clipped(clip) == 0
        driven = np.clip(clip / np.abs(clip).max() * 4, -1, 1)
        assert count_clipped(driven) > 100
        assert count_clipped(np.rint(driven * 0.5 * 32768).astype(np.float32)) > 100


@pytest.mark.parametrize("pause_rms", [1e-5, 1e-4, 1e-3, 5e-3])
def test_silence_is_measured_to_a_frame_whatever_its_noise(pause_rms: float) -> None:
    audio = np.concatenate([np.zeros(RATE // 2, np.float32), tone(seconds=1), np.zeros(RATE // 4, np.float32)])
    figures = measured(audio + noise(1.75, pause_rms)[: len(audio)])
    assert figures.leading_silence_seconds == pytest.approx(0.5, abs=0.021)
    assert figures.trailing_silence_seconds == pytest.approx(0.25, abs=0.021)


def test_digital_padding_is_silence_and_says_nothing_about_noise(ljspeech: Path) -> None:
    for clip in every_tenth(ljspeech):
        padding = np.zeros(RATE // 2, np.float32)
        before, after = measured(clip), measured(np.concatenate([padding, clip, padding]))
        assert after.snr_db == pytest.approx(before.snr_db, abs=5)
        assert after.leading_silence_seconds - before.leading_silence_seconds == pytest.approx(0.5, abs=0.05)
        assert after.trailing_silence_seconds - before.trailing_silence_seconds == pytest.approx(0.5, abs=0.05)


def test_noise_added_to_real_speech_is_found_at_its_level(ljspeech: Path) -> None:
    added = np.arange(5, 41, 5)
    found = []
    for index, clip in enumerate(every_tenth(ljspeech)):
        # The recordings have noise of their own, 26 to 56 dB below the speech: their pauses are made clean.
        cells = clip[: len(clip) // 220 * 220].reshape(-1, 220)
        quiet = 10 * np.log10((cells**2).mean(axis=1) + 1e-12) < -45
        clean = (cells * ~quiet[:, None]).reshape(-1)
        power = (clean**2).mean()
        unit = noise(12, 1.0, seed=index)[: len(clean)]
        found.append([measured(clean + unit * np.sqrt(power / 10 ** (snr / 10))).snr_db for snr in added])
    errors = np.array(found) - added
    assert (np.diff(found, axis=1) > 0).all()
    assert np.abs(np.median(errors, axis=0)).max() < 1.5
    assert np.abs(errors).max() < 6
