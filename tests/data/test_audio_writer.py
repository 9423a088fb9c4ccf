"""Audio that is written: every format gives back what was said, whole or in chunks, and a failure leaves nothing."""

import dataclasses
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from data import audio_writer
from data.audio_file import FULL_SCALE, read_audio, to_int16
from data.audio_writer import AudioWriter, write_audio

RATE = 22050
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus")


def voiced(seconds: float, rate: int = RATE) -> np.ndarray:
    """A gliding buzz of syllables, below 3 kHz: what a voice is to an encoder, without a recording."""
    time_axis = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(110 + 40 * np.sin(2 * np.pi * 0.7 * time_axis)) / rate
    buzz = sum(np.sin(k * phase + k * k) / k for k in range(1, 20))
    return (0.2 * buzz * np.sin(np.pi * 3 * time_axis) ** 2).astype(np.float32)


def decibels(signal: np.ndarray, other: np.ndarray) -> float:
    """The ratio of a signal to what differs in the other."""
    return float(10 * np.log10(np.mean(signal**2) / np.mean((signal - other) ** 2)))


def write_chunks(path: Path, *chunks: np.ndarray | Exception, rate_hz: int | None = None) -> None:
    """Write chunks of audio; an exception among them is raised there."""
    with AudioWriter(path, sample_rate=RATE, rate_hz=rate_hz) as writer:
        for chunk in chunks:
            if isinstance(chunk, Exception):
                raise chunk
            writer.write(chunk)


def samples_of(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_a_lossless_file_has_every_sample(tmp_path: Path, suffix: str) -> None:
    samples = np.arange(-32768, 32768, dtype=np.int16)
    path = tmp_path / f"all{suffix}"
    assert write_audio(path, samples.astype(np.float32) / np.float32(FULL_SCALE), sample_rate=RATE) == RATE
    assert np.array_equal(read_audio(path, sample_rate=RATE), samples)
    assert soundfile.info(path).subtype == "PCM_16"


@pytest.mark.parametrize(
    ("suffix", "container", "subtype", "rate"),
    [
        (".mp3", "MP3", "MPEG_LAYER_III", RATE),
        (".ogg", "OGG", "VORBIS", RATE),
        (".opus", "OGG", "OPUS", 24000),
    ],
)
def test_a_lossy_file_sounds_the_same_at_the_same_moments(
    tmp_path: Path, suffix: str, container: str, subtype: str, rate: int
) -> None:
    # The file says how much delay and padding its encoder added, so that nothing is late and nothing is missing.
    audio, path = voiced(3.3), tmp_path / f"speech{suffix}"
    assert write_audio(path, audio, sample_rate=RATE) == rate
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == (container, subtype, rate, 1)
    written = audio if rate == RATE else soxr.resample(audio, RATE, rate, quality="VHQ")
    decoded = samples_of(path)
    assert len(decoded) == len(written)
    assert decibels(written, decoded) > 15
    assert len(read_audio(path, sample_rate=RATE)) == len(audio)
    assert path.stat().st_size < len(audio)  # half of a wav, at the most


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.1])
def test_the_shortest_sounds_keep_their_length(tmp_path: Path, suffix: str, seconds: float) -> None:
    audio = voiced(seconds, 24000)
    write_audio(tmp_path / f"short{suffix}", audio, sample_rate=24000)
    assert len(samples_of(tmp_path / f"short{suffix}")) == len(audio)


@pytest.mark.parametrize(
    ("suffix", "wanted", "given"),
    [
        *((suffix, rate, rate) for suffix in (".wav", ".flac") for rate in (1000, 7919, 44100, 384000)),
        *((".ogg", rate, min(rate, 192000)) for rate in (1000, 44100, 192000, 200000, 384000)),
        *((".opus", rate, up) for rate, up in ((1000, 8000), (8001, 12000), (22050, 24000), (44100, 48000))),
        *((".opus", rate, 48000) for rate in (48000, 96000)),
        *((".mp3", rate, up) for rate, up in ((1000, 8000), (11025, 11025), (22051, 24000), (32000, 32000))),
        *((".mp3", rate, 48000) for rate in (44101, 48000, 96000)),
    ],
)
def test_a_file_has_the_rate_asked_for_or_the_next_that_its_format_has(
    tmp_path: Path, suffix: str, wanted: int, given: int
) -> None:
    path = tmp_path / f"speech{suffix}"
    assert write_audio(path, voiced(0.3), sample_rate=RATE, rate_hz=wanted) == given
    assert soundfile.info(path).samplerate == given
    assert soundfile.info(path).frames == pytest.approx(0.3 * given, abs=1)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_a_file_at_another_rate_is_the_whole_resampled(tmp_path: Path, rate: int) -> None:
    audio = voiced(2.0)
    write_audio(tmp_path / "speech.wav", audio, sample_rate=RATE, rate_hz=rate)
    expected = to_int16(soxr.resample(audio, RATE, rate, quality="VHQ"))
    assert np.array_equal(soundfile.read(tmp_path / "speech.wav", dtype="int16")[0], expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 40000), max_size=12), rate=st.sampled_from((None, 16000, 48000)))
def test_in_chunks_or_whole_the_samples_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, cuts: list[int], rate: int | None
) -> None:
    folder, audio = tmp_path_factory.mktemp("written"), voiced(40000 / RATE)
    whole, chunked = folder / f"whole{suffix}", folder / f"chunked{suffix}"
    write_audio(whole, audio, sample_rate=RATE, rate_hz=rate)
    write_chunks(chunked, *np.split(audio, sorted(cuts)), rate_hz=rate)
    assert np.array_equal(samples_of(chunked), samples_of(whole))


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    second = voiced(1.0)
    tracemalloc.start()
    with AudioWriter(tmp_path / "long.wav", sample_rate=RATE, rate_hz=24000) as writer:
        for _ in range(120):
            writer.write(second)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000  # the file has 5.8 MB
    assert soundfile.info(tmp_path / "long.wav").frames == 120 * 24000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_too_loud_is_clipped_and_not_wrapped(tmp_path: Path, suffix: str) -> None:
    audio = 3 * np.sin(2 * np.pi * 100 * np.arange(24000, dtype=np.float32) / 24000)
    write_audio(tmp_path / f"loud{suffix}", audio, sample_rate=24000)
    decoded = samples_of(tmp_path / f"loud{suffix}")
    assert decibels(audio.clip(-1, 1), decoded) > 15


def test_minutes_in_one_chunk_do_not_crash_the_vorbis_encoder(tmp_path: Path) -> None:
    # libvorbis keeps on the stack, usually of 8 MiB, all that it is given at once: a crash, and no exception.
    audio = np.tile(voiced(1.0, 8000), 300)
    write_audio(tmp_path / "long.ogg", audio, sample_rate=8000)
    assert soundfile.info(tmp_path / "long.ogg").frames == len(audio)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("speech.aac", {}, r"\.aac is no kind of audio .*: end the name in \.wav, \.flac, \.mp3, \.ogg or \.opus"),
        ("speech", {}, "a name without suffix"),
        ("absent/speech.wav", {}, r"the folder .*absent does not exist: create it"),
        ("folder.wav", {}, "is a folder: give the name of a file"),
        ("speech.wav", {"rate_hz": 999}, "at 999 Hz: give a rate from 1000 to 384000 Hz"),
        ("speech.opus", {"rate_hz": 384001}, "at 384001 Hz: give a rate from 1000 to 384000 Hz"),
        ("speech.flac", {"sample_rate": 0}, "at 0 Hz: give a rate"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_said(
    tmp_path: Path, name: str, options: dict[str, int], reason: str
) -> None:
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(InputError, match=f"{name}: .*{reason}"):
        AudioWriter(tmp_path / name, **{"sample_rate": RATE} | options)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.wav"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_audio_that_is_not_finite_leaves_what_was_there(tmp_path: Path, suffix: str, value: float) -> None:
    path = tmp_path / f"speech{suffix}"
    path.write_bytes(b"before")
    with pytest.raises(InputError, match="not written, because the audio has samples that are NaN or infinite"):
        write_chunks(path, voiced(1.0), np.array([0.0, value], np.float32))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_audio_is_no_file(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="the audio has no samples"):
        write_audio(tmp_path / f"speech{suffix}", np.zeros(0, np.float32), sample_rate=RATE, rate_hz=16000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_between_chunks_is_passed_on_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(OSError, match="something else"):
        write_chunks(tmp_path / f"speech{suffix}", voiced(1.0), OSError("something else"))
    assert list(tmp_path.iterdir()) == []


@contextmanager
def room_for(most_bytes: int) -> Iterator[None]:
    """No file can be larger."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("most_bytes", [0, 3000, 9000])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, most_bytes: int
) -> None:
    path = tmp_path / f"speech{suffix}"
    path.write_bytes(b"before")
    with room_for(most_bytes), pytest.raises(InputError, match=r"speech.*: cannot be written \(.*\); what was there"):
        write_audio(path, voiced(10.0), sample_rate=RATE)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    assert capfd.readouterr() == ("", "")


def test_a_writer_that_is_killed_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    script = f"""
import numpy as np
from data.audio_writer import AudioWriter
with AudioWriter({str(tmp_path / "speech.ogg")!r}, sample_rate=8000) as writer:
    while True:
        writer.write(np.zeros(80000, np.float32))
        print(flush=True)
"""
    root = Path(audio_writer.__file__).resolve().parents[1]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.01)
        writer.kill()
    assert not (tmp_path / "speech.ogg").exists()


def test_more_than_a_wav_can_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert audio_writer.FORMATS[".wav"].most_samples * 2 + 44 < 1 << 32
    small = dataclasses.replace(audio_writer.FORMATS[".wav"], most_samples=RATE)
    monkeypatch.setitem(audio_writer.FORMATS, ".wav", small)
    write_audio(tmp_path / "fits.wav", voiced(1.0), sample_rate=RATE)
    with pytest.raises(InputError, match="a wav of more than 4 GiB cannot be: write a flac"):
        write_audio(tmp_path / "long.wav", voiced(1.1), sample_rate=RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["fits.wav"]
