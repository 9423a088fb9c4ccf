"""Files that promise, or are, more than memory holds: refused by their size and header, before they are read."""

import io
import resource
import struct
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import data.inspection.decoding
from configs import InputError
from data.audio_file import read_audio
from data.faults import FaultKind
from data.inspection.decoding import (
    MOST_SAMPLES,
    SMALL_BYTES,
    NotDecodedError,
    check_length,
    decode,
    is_slow_to_open,
    refuse_by_header,
)
from data.report.player import file_data_uri

REPOSITORY = Path(__file__).resolve().parents[3]
GIB = 1 << 30


def encoded(kind: str, seconds: float = 0.5, channels: int = 1, **options: str) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).normal(scale=0.1, size=(int(seconds * 22050), channels))
    soundfile.write(file, noise, 22050, format=kind, **options)
    return file.getvalue()


def sparse(path: Path, beginning: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(size)
    return path


def with_size(content: bytes, place: int, form: str, value: int) -> bytes:
    return content[:place] + struct.pack(form, value) + content[place + struct.calcsize(form) :]


def endless_flac() -> bytes:
    content = encoded("FLAC")
    return (
        content[:21] + bytes([content[21] & 0xF0 | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF]) + content[26:]
    )  # 36 bits of samples


# The beginnings of huge files, and what each is refused as.
HUGE: dict[str, tuple[Callable[[], bytes], FaultKind]] = {
    "a wav of hours": (lambda: with_size(encoded("WAV"), 40, "<I", 0xFFFF0000), FaultKind.TOO_LONG),
    "a wav of 0.5 s and much behind it": (lambda: encoded("WAV"), FaultKind.TOO_LONG),
    "a streamed wav": (lambda: with_size(encoded("WAV"), 40, "<I", 0xFFFFFFFF), FaultKind.TOO_LONG),
    "an RF64": (lambda: with_size(encoded("RF64"), 28, "<Q", 8 * GIB - 200), FaultKind.TOO_LONG),
    "a Wave64": (lambda: encoded("W64"), FaultKind.TOO_LONG),
    "an AIFF": (lambda: encoded("AIFF"), FaultKind.TOO_LONG),
    "an AU": (lambda: with_size(encoded("AU"), 8, ">I", 0xFFFFFFFF), FaultKind.TOO_LONG),
    "a CAF": (lambda: encoded("CAF"), FaultKind.TOO_LONG),
    "a FLAC": (lambda: encoded("FLAC"), FaultKind.TOO_LONG),
    "a FLAC of all samples that its header can have": (endless_flac, FaultKind.TOO_LONG),
    "an Ogg": (lambda: encoded("OGG", subtype="VORBIS"), FaultKind.TOO_LONG),
    "an MP3": (lambda: encoded("MP3"), FaultKind.TOO_LONG),
    "an ID3 tag": (lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f", FaultKind.TOO_LONG),
    "zeros": (lambda: b"", FaultKind.GARBAGE),
    "a page": (lambda: b"<!DOCTYPE html>", FaultKind.HTML),
    "a broken wav": (lambda: encoded("WAV")[:30], FaultKind.GARBAGE),
    "a NIST": (lambda: encoded("NIST"), FaultKind.TOO_LONG),
}


@pytest.mark.parametrize("name", HUGE)
def test_eight_gigabytes_of_any_format_are_refused_without_reading_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginning, kind = HUGE[name]
    path = sparse(tmp_path / "huge.wav", beginning(), 8 * GIB)
    monkeypatch.setattr(Path, "read_bytes", None)  # would fail if it were called
    with pytest.raises(NotDecodedError) as refused:
        refuse_by_header(path, longest_seconds=20)
    assert refused.value.fault.kind is kind
    with pytest.raises(InputError, match=r"huge\.wav: cannot be read as audio"):
        read_audio(path, sample_rate=22050)


def test_a_large_recording_that_is_wanted_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.inspection.decoding, "SMALL_BYTES", 1000)
    for kind in ("WAV", "FLAC", "AIFF", "OGG", "MP3"):
        (tmp_path / "long").write_bytes(encoded(kind, seconds=3))
        refuse_by_header(tmp_path / "long", longest_seconds=3.2)
        assert 3 <= len(read_audio(tmp_path / "long", sample_rate=22050)) / 22050 < 3.2
    (tmp_path / "long").write_bytes(encoded("WAV", seconds=3))
    with pytest.raises(NotDecodedError, match=r"more than 1 s: data\.prepare --split cuts it at silences"):
        refuse_by_header(tmp_path / "long", longest_seconds=1)


def test_a_small_file_is_not_opened_to_look_at_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse(tmp_path / "small", b"", SMALL_BYTES)
    monkeypatch.setattr(Path, "open", None)
    refuse_by_header(tmp_path / "small", longest_seconds=1)
    assert not is_slow_to_open(tmp_path / "small")


@settings(deadline=None)
@given(st.integers(0, 1 << 62), st.integers(1, 1 << 31), st.integers(1, 1024), st.floats(0.1, 1e6))
def test_no_promise_that_is_let_through_is_longer_or_larger_than_the_bound(
    frames: int, rate: int, channels: int, longest: float
) -> None:
    if frames > longest * rate or frames * channels > MOST_SAMPLES:
        with pytest.raises(NotDecodedError) as refused:
            check_length(frames, rate, channels, longest)
        assert refused.value.fault.kind is FaultKind.TOO_LONG
    else:
        check_length(frames, rate, channels, longest)


@pytest.mark.parametrize("rate", [1, 4_000_000_000])
@pytest.mark.parametrize("channels", [1, 1024])
def test_a_header_of_absurd_rate_or_channels_costs_no_memory(rate: int, channels: int) -> None:
    content = bytearray(encoded("WAV"))
    struct.pack_into("<HHIIHH", content, 20, 1, channels, rate, min(rate * channels * 2, 2**32 - 1), channels * 2, 16)
    try:
        decoded = decode(bytes(content), longest_seconds=20)
    except NotDecodedError:
        return
    assert decoded.audio.nbytes <= 4 * len(content)


def test_a_file_of_zeros_has_no_million_chunks() -> None:
    content = encoded("WAV")[:36] + bytes(SMALL_BYTES // 8)
    with pytest.raises(NotDecodedError):
        decode(content, longest_seconds=20)


def test_no_page_plays_what_would_have_to_be_read_whole_first(tmp_path: Path) -> None:
    path = sparse(tmp_path / "huge.mp3", encoded("MP3"), 8 * GIB)
    assert file_data_uri(path, tmp_path) is None


LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({5 * GIB}, {5 * GIB}))
sys.argv = ["data.prepare", *sys.argv[1:]]
from data.prepare import main
sys.exit(main())
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="needs a limit on the address space")
def test_a_sparse_wav_of_eight_gigabytes_does_not_end_a_preparation_that_may_have_five(tmp_path: Path) -> None:
    (tmp_path / "wavs").mkdir()
    for name in ("one", "two"):
        (tmp_path / "wavs" / f"{name}.wav").write_bytes(encoded("WAV", seconds=3))
    with wave.open(str(tmp_path / "wavs" / "huge.wav"), "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
    sparse(tmp_path / "wavs" / "huge.wav", (tmp_path / "wavs" / "huge.wav").read_bytes(), 8 * GIB)
    sparse(tmp_path / "wavs" / "long.wav", HUGE["an RF64"][0](), 8 * GIB)
    rows = [f"{name}|The quick brown fox jumps over the lazy dog." for name in ("one", "huge", "long", "two")]
    (tmp_path / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    arguments = [str(tmp_path), "data.front_end=graphemes", f"data.cache={tmp_path / 'cache'}"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "too long 2 dropped wavs/huge.wav (line 2)" in " ".join(done.stdout.split())
    assert "2 (of 4 rows)" in done.stdout, done.stdout
