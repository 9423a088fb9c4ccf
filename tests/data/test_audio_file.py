"""Audio files: what survives writing and reading, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs import InputError
from data.audio_file import FULL_SCALE, read_audio
from data.audio_writer import write_audio

RATE = 22050


def noise(samples: int = 5000, channels: int = 1, scale: float = 0.2) -> np.ndarray:
    audio = np.random.default_rng(samples).normal(scale=scale, size=(samples, channels)).clip(-0.99, 0.99)
    return audio.astype(np.float32)


def test_every_16_bit_sample_survives_writing_and_reading(tmp_path: Path) -> None:
    samples = np.arange(-32768, 32768, dtype=np.int16)
    write_audio(tmp_path / "all.wav", samples.astype(np.float32) / np.float32(FULL_SCALE), sample_rate=RATE)
    assert np.array_equal(read_audio(tmp_path / "all.wav", sample_rate=RATE), samples)


def test_loud_samples_are_clipped_and_not_wrapped(tmp_path: Path) -> None:
    write_audio(tmp_path / "loud.wav", np.array([1.5, -1.5, 1.0, -1.0, 0.5], np.float32), sample_rate=RATE)
    assert soundfile.read(tmp_path / "loud.wav", dtype="int16")[0].tolist() == [32767, -32768, 32767, -32768, 16384]


def test_several_channels_become_their_mean(tmp_path: Path) -> None:
    left_and_right = np.array([[100, 300], [-7, -9], [32767, 32767], [4, -4]], np.int16)
    soundfile.write(tmp_path / "stereo.flac", left_and_right, RATE)
    audio = read_audio(tmp_path / "stereo.flac", sample_rate=RATE)
    assert audio.tolist() == [200, -8, 32767, 0]


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "PCM_24"), ("WAV", "FLOAT"), ("FLAC", "PCM_24"), ("WAV", "DOUBLE")]
)
def test_finer_samples_are_rounded_to_the_nearest_of_16_bits(tmp_path: Path, kind: str, subtype: str) -> None:
    audio = noise()[:, 0]
    soundfile.write(tmp_path / "fine", audio, RATE, format=kind, subtype=subtype)
    read = read_audio(tmp_path / "fine", sample_rate=RATE)
    assert np.abs(read - audio.astype(np.float64) * FULL_SCALE).max() <= 0.51


def test_float_samples_beyond_full_scale_do_not_wrap(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hot.wav", np.array([1.7, -1.7, 0.0]), RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "hot.wav", sample_rate=RATE).tolist() == [32767, -32768, 0]


def test_a_resampled_tone_is_the_tone_at_the_new_rate(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    soundfile.write(tmp_path / "tone.wav", tone, 16000, subtype="FLOAT")
    audio = read_audio(tmp_path / "tone.wav", sample_rate=RATE)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert len(audio) == RATE
    assert np.abs(audio / FULL_SCALE - expected)[500:-500].max() < 1e-4


def test_what_cannot_be_a_recording_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "page.wav").write_text("<html>not found</html>")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), RATE)
    with_nan = noise()
    with_nan[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", with_nan, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "half.flac", noise(50000), RATE)
    whole = (tmp_path / "half.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    for name, reason in {
        "missing.wav": "there is no such recording",
        "folder.wav": "there is no such recording",
        "page.wav": "cannot be read as audio",
        "empty.wav": "cannot be read as audio",
        "nothing.wav": "has no samples",
        "nan.wav": "NaN or infinite",
        "half.flac": "cannot be read as audio",
    }.items():
        with pytest.raises(InputError, match=f"{name}: .*{reason}"):
            read_audio(tmp_path / name, sample_rate=RATE)


def test_audio_that_is_not_finite_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NaN or infinite"):
        write_audio(tmp_path / "bad.wav", np.array([0.0, np.inf], np.float32), sample_rate=RATE)
    assert list(tmp_path.iterdir()) == []


def test_writing_creates_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder .*absent does not exist"):
        write_audio(tmp_path / "absent" / "a.wav", noise()[:, 0], sample_rate=RATE)
    assert list(tmp_path.iterdir()) == []
