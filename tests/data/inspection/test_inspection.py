"""Every fault put into a recording and found again, and none found in real ones."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data.faults import Action, Fault, FaultKind
from data.inspection.inspection import Inspected, LevelTarget, inspect
from data.inspection.signal_level import SignalMetrics

RATE = 22050
DROPPED, KEPT, REPAIRED = Action.DROPPED, Action.KEPT, Action.REPAIRED


def look(content: bytes, *, level: LevelTarget | None = None, trim: float | None = None, rate: int = RATE) -> Inspected:
    return inspect(
        content,
        sample_rate=rate,
        level=level,
        trim_margin_seconds=trim,
        shortest_seconds=0.5,
        longest_seconds=20,
    )


def encoded(audio: np.ndarray, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> bytes:
    if subtype is None and audio.dtype != np.int16:
        audio = as_16_bit(audio)  # libsndfile scales by another number
    file = BytesIO()
    soundfile.write(file, audio, rate, format=kind, subtype=subtype)
    return file.getvalue()


def syllables(seconds: float = 2.0, pause: float = 0.3, rate: int = RATE, amplitude: float = 0.3) -> np.ndarray:
    """Harmonics of a voice that swell four times a second over faint noise, with a pause on both sides."""
    time = np.arange(int(seconds * rate)) / rate
    voiced = sum(np.sin(2 * np.pi * 137 * k * time + k) / k for k in range(1, 20))
    envelope = np.abs(np.sin(2 * np.pi * 2 * time)) * (time >= pause) * (time < seconds - pause)
    hiss = np.random.default_rng(0).standard_normal(len(time)) * 3e-4
    return amplitude * voiced * envelope / np.abs(voiced).max() + hiss


def as_16_bit(audio: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(audio * 32768), -32768, 32767).astype(np.int16)


def heard(found: Inspected) -> np.ndarray:
    assert found.audio is not None
    return found.audio


def figures(found: Inspected) -> SignalMetrics:
    assert found.metrics is not None
    return found.metrics


def only(found: Inspected) -> Fault:
    assert len(found.faults) == 1, found.faults
    return found.faults[0]


def with_size(wav: bytes, size: int) -> bytes:
    return wav[:40] + struct.pack("<I", size) + wav[44:]


SPEECH = syllables()
WAV, FLAC = encoded(SPEECH), encoded(SPEECH, "FLAC")
FLAC_HEADER_ONLY = FLAC[: FLAC.index(b"\xff\xf8")]


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "AU", "CAF", "W64", "RF64", "NIST"])
def test_a_faultless_recording_keeps_its_bits(kind: str) -> None:
    samples = as_16_bit(SPEECH)
    samples[1000], samples[3000] = 32767, -32768
    found = look(encoded(samples, kind))
    assert (found.faults, found.note) == ((), "")
    assert np.array_equal(heard(found), samples)


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "VORBIS"), ("MP3", None), ("FLAC", "PCM_24"), ("WAV", "FLOAT")])
def test_other_encodings_of_it_are_as_welcome(kind: str, subtype: str | None) -> None:
    found = look(encoded(SPEECH, kind, subtype))
    assert found.faults == ()
    assert np.abs(heard(found) / 32768 - SPEECH).max() < (0.05 if kind in ("OGG", "MP3") else 1e-4)


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (b"", FaultKind.EMPTY_FILE, "0 bytes"),
        (bytes(range(256)) * 9, FaultKind.GARBAGE, "no known format"),
        (b"OggS" + bytes(60), FaultKind.GARBAGE, "cannot be decoded"),
        (b"version https://git-lfs.github.com/spec/v1\n", FaultKind.GARBAGE, "git lfs pull"),
        (b"<!DOCTYPE html><p>404", FaultKind.HTML, "<!DOCTYPE"),
        (b"\xef\xbb\xbf \r\n<HTML lang=en>", FaultKind.HTML, "<HTML"),
        ("<?xml version='1.0'?><Error>".encode("utf-16"), FaultKind.HTML, "xml"),
        (b"<Error><Code>NoSuchKey</Code></Error>", FaultKind.HTML, "<Error>"),
        (WAV[:12] + np.random.default_rng(3).bytes(9000), FaultKind.GARBAGE, "cannot be decoded"),
        (WAV[:44], FaultKind.HEADER_ONLY, "44 bytes"),
        (FLAC[:42], FaultKind.HEADER_ONLY, "within its header, after 42 bytes"),
        (with_size(WAV, 0xFFFFFFFF)[:44], FaultKind.HEADER_ONLY, "44 bytes"),
        (WAV[:30], FaultKind.HEADER_ONLY, "within its header"),
        (FLAC_HEADER_ONLY, FaultKind.HEADER_ONLY, "ends with its header"),
        (FLAC_HEADER_ONLY[:-3], FaultKind.HEADER_ONLY, "within its header"),
        (WAV[:24] + b"\0\0\0\0" + WAV[28:], FaultKind.RATE_ZERO, "0 samples per second"),
        (FLAC[:18] + bytes([0, 0, FLAC[20] & 15]) + FLAC[21:], FaultKind.RATE_ZERO, "0 samples per second"),
        (encoded(SPEECH[:0]), FaultKind.ZERO_SAMPLES, "0 samples"),
        (with_size(WAV, 0)[:44] + b"LIST\4\0\0\0INFO", FaultKind.ZERO_SAMPLES, "0 samples"),
        (encoded(np.full(2 * RATE, 0.0)), FaultKind.DIGITAL_SILENCE, "every sample is 0"),
        (encoded(np.full(2 * RATE, 0.5)), FaultKind.DIGITAL_SILENCE, "every sample is 0.5"),
        (encoded(SPEECH * 1e-3), FaultKind.NEAR_SILENCE, "-50 dBFS"),
        (
            encoded(SPEECH * 1e-3 + 0.5 * (np.arange(len(SPEECH)) == RATE)),
            FaultKind.NEAR_SILENCE,
            "a second",
        ),  # a click
        (encoded(SPEECH[RATE // 2 :][: RATE // 4]), FaultKind.TOO_SHORT, "0.250 s, less than 0.5 s"),
        (encoded(np.tile(SPEECH, 11)), FaultKind.TOO_LONG, "22.0 s, more than 20 s"),
        (encoded(SPEECH, rate=3000), FaultKind.OTHER_RATE, "3000 Hz"),
    ],
)
def test_what_cannot_be_trained_on_is_dropped_by_name(content: bytes, kind: FaultKind, detail: str) -> None:
    found = look(content)
    assert (only(found).kind, only(found).action, found.audio) == (kind, DROPPED, None)
    assert detail in only(found).detail


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "AU", "W64", "RF64", "NIST", "OGG", "MP3"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
def test_a_file_cut_short_is_truncated_in_every_format(kind: str, share: float) -> None:
    whole = encoded(SPEECH, kind)
    assert only(look(whole[: int(len(whole) * share)])).kind is FaultKind.TRUNCATED


def test_a_header_that_was_never_finished_is_no_truncation() -> None:
    for size in (0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFF000):
        assert np.array_equal(heard(look(with_size(WAV, size))), as_16_bit(SPEECH))
    streamed = FLAC[:21] + bytes([FLAC[21] & 0xF0, 0, 0, 0, 0]) + FLAC[26:]  # FLAC's total is unknown
    assert np.array_equal(heard(look(streamed)), as_16_bit(SPEECH))
    assert only(look(streamed[: len(streamed) // 2])).kind is FaultKind.TRUNCATED


def test_a_missing_pad_byte_and_trailing_chunks_are_no_faults() -> None:
    odd = encoded(SPEECH[: RATE + 1], subtype="PCM_U8")
    assert look(odd[: 44 + RATE + 1]).faults == ()
    assert look(WAV + b"LIST\4\0\0\0INFO").faults == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_one_sample_that_is_no_number_drops_the_recording(value: float) -> None:
    audio = SPEECH.copy()
    audio[777] = value
    found = look(encoded(audio, subtype="FLOAT"))
    assert only(found).kind is FaultKind.NOT_FINITE
    assert only(found).detail.startswith(f"1 of {len(audio)}")


def test_clipping_is_named_and_kept_also_after_turning_down() -> None:
    driven = np.clip(SPEECH * 10, -1, 32767 / 32768)
    for audio in (driven, driven * 0.5, driven * 0.1):
        found = look(encoded(audio))
        assert (only(found).kind, only(found).action) == (FaultKind.CLIPPED, KEPT)
        assert np.array_equal(heard(found), as_16_bit(audio))


def test_floating_point_peaks_beyond_full_scale_are_turned_down_and_not_cut() -> None:
    found = look(encoded(SPEECH * 5, subtype="FLOAT"))
    assert (only(found).kind, only(found).action) == (FaultKind.CLIPPED, REPAIRED)
    assert np.abs(heard(found) / 32768 - SPEECH / np.abs(SPEECH).max()).max() < 1e-4


@pytest.mark.parametrize("offset", [0.02, -0.05, 0.1])
def test_a_dc_offset_is_removed(offset: float) -> None:
    found = look(encoded(SPEECH + offset))
    assert (only(found).kind, only(found).action) == (FaultKind.DC_OFFSET, REPAIRED)
    assert figures(found).dc_offset == pytest.approx(offset, abs=1e-3)
    assert np.abs(heard(found) / 32768 - SPEECH).max() < 1e-3


@pytest.mark.parametrize(
    ("left", "right", "detail", "expected"),
    [
        (1.0, 0.5, "mean is taken", 0.75),
        (1.0, 0.0, "left out as empty: 2", 1.0),
        (0.0, 1.0, "left out as empty: 1", 1.0),
        (1.0, -1.0, "anti-phase", 1.0),
    ],
)
def test_two_channels_become_the_one_that_can_be_heard(left: float, right: float, detail: str, expected: float) -> None:
    found = look(encoded(np.stack([SPEECH * left, SPEECH * right], axis=1)))
    assert (only(found).kind, only(found).action) == (FaultKind.STEREO, REPAIRED)
    assert detail in only(found).detail
    assert np.abs(heard(found) / 32768 - SPEECH * expected).max() < 1e-4


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_resampling_keeps_the_frequency_and_level_of_a_tone(rate: int) -> None:
    found = look(encoded(0.5 * np.sin(2 * np.pi * 441 * np.arange(2 * rate) / rate), rate=rate))
    assert (only(found).kind, only(found).action) == (FaultKind.OTHER_RATE, REPAIRED)
    assert f"{rate} Hz, resampled to {RATE} Hz" in only(found).detail
    assert (f"nothing is above {rate // 2} Hz" in only(found).detail) == (rate < RATE)
    expected = 0.5 * np.sin(2 * np.pi * 441 * np.arange(2 * RATE) / RATE)
    assert np.abs(heard(found) / 32768 - expected)[1000:-1000].max() < 2e-4


def test_several_faults_are_all_named() -> None:
    driven = np.clip(syllables(rate=44100) * 10, -1, 1)
    found = look(encoded(np.stack([driven, driven], axis=1), rate=44100))
    assert {fault.kind for fault in found.faults} == {FaultKind.STEREO, FaultKind.OTHER_RATE, FaultKind.CLIPPED}
    assert len(heard(found)) == 2 * RATE
    assert (figures(found).channels, figures(found).source_rate_hz) == (2, 44100)


@pytest.mark.parametrize("kind", ["lufs", "rms"])
def test_a_level_is_reached_within_a_tenth_of_a_decibel(kind: Literal["lufs", "rms"]) -> None:
    found = look(WAV, level=LevelTarget(kind, -25.0))
    again = figures(look(encoded(heard(found))))
    assert (again.loudness_lufs if kind == "lufs" else again.rms_dbfs) == pytest.approx(-25, abs=0.1)
    assert found.note == ""


def test_a_level_that_would_clip_is_approached_and_said() -> None:
    found = look(WAV, level=LevelTarget("lufs", -3.0))
    assert np.abs(heard(found)).max() / 32768 == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    assert found.note.startswith("brought to")
    assert "instead of -3" in found.note


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.2, 5.0])
def test_trimming_keeps_the_margin_and_the_speech(margin: float) -> None:
    silence = 0.3
    found = look(WAV, trim=margin)
    taken = 2 - len(heard(found)) / RATE
    assert taken == pytest.approx(2 * max(0.0, silence - margin), abs=0.06)
    loud = np.flatnonzero(np.abs(heard(found)) > 0.01 * 32768)
    assert len(loud) == np.count_nonzero(np.abs(as_16_bit(SPEECH)) > 0.01 * 32768)


def test_what_trimming_leaves_too_short_is_dropped() -> None:
    blip = np.concatenate([np.zeros(RATE), SPEECH[RATE // 2 :][: RATE // 8], np.zeros(RATE)])
    assert "after trimming" in only(look(encoded(blip), trim=0.05)).detail


def test_hours_are_not_decoded() -> None:
    hour = encoded(np.tile(as_16_bit(SPEECH), 1800), "FLAC")
    assert only(look(hour)).kind is FaultKind.TOO_LONG
    streamed = hour[:21] + bytes([hour[21] & 0xF0, 0, 0, 0, 0]) + hour[26:]
    assert "stream of more than 20 s" in only(look(streamed)).detail


MUTATED = {kind: encoded(SPEECH[:RATE], kind) for kind in ("WAV", "FLAC", "MP3", "OGG", "AIFF")}


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    reach = len(changed) if rng.integers(2) else min(200, len(changed))  # half of them in the header
    for place in rng.integers(reach, size=rng.integers(1, 20)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(len(content))]


@pytest.mark.parametrize("kind", MUTATED)
@pytest.mark.parametrize("harm", [flipped, cut])
def test_no_harm_to_a_file_raises_or_prints(
    kind: str, harm: Callable[[bytes, np.random.Generator], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        found = look(harm(MUTATED[kind], rng))
        assert (found.audio is None) == any(fault.action is DROPPED for fault in found.faults)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"RIFF\0\0\0\0WAVEfmt ", b"fLaC", b"OggS", b"\xff\xfb", b"ID3", b"NIST_1A\n", b"FORM"]),
)
def test_arbitrary_bytes_are_no_recording(content: bytes, beginning: bytes) -> None:
    assert look(beginning + content).audio is None


@pytest.mark.parametrize("corpus", ["ljspeech_dev", "onevoice", "multispeaker"])
def test_real_recordings_have_no_faults(corpus: str, ljspeech: Path) -> None:
    for file in sorted((ljspeech.parent / corpus / "wavs").rglob("*.flac"))[::10]:
        found = look(file.read_bytes())
        assert found.faults == (), f"{file}: {found.faults}"
        assert np.array_equal(heard(found), soundfile.read(file, dtype="int16")[0])


def loudness(found: Inspected) -> float:
    value = figures(found).loudness_lufs
    assert value is not None
    return value


@pytest.mark.parametrize("factor", [1.0, 3.0, 10.0, 200.0, 32768.0])
def test_the_loudness_is_that_of_the_repaired_recording(factor: float) -> None:
    turned_down = SPEECH / np.abs(SPEECH).max()
    for audio in (
        SPEECH * 3.4 * factor,
        np.stack([SPEECH, 0.9 * SPEECH], axis=1) * 3.4 * factor,
        SPEECH * 3.4 * factor + 0.1 * factor,
    ):
        found = look(encoded(audio, subtype="FLOAT"))
        again = look(encoded(heard(found)))
        assert loudness(found) == pytest.approx(loudness(again), abs=0.05)
        assert loudness(found) == pytest.approx(loudness(look(encoded(as_16_bit(turned_down)))), abs=0.5)


@pytest.mark.parametrize("rate", [RATE, 44100])
@pytest.mark.parametrize("trim", [None, 0.05])
@pytest.mark.parametrize("level", [None, LevelTarget("lufs", -30.0), LevelTarget("rms", -30.0)])
def test_the_report_has_the_loudness_and_the_silence_of_what_is_trained_on(
    rate: int, trim: float | None, level: LevelTarget | None
) -> None:
    found = look(encoded(syllables(rate=rate) * 0.9 + 0.05, rate=rate), trim=trim, level=level)
    again = figures(look(encoded(heard(found))))
    assert loudness(found) == pytest.approx(again.loudness_lufs, abs=0.05)
    assert figures(found).leading_silence_seconds == pytest.approx(again.leading_silence_seconds, abs=0.03)
    assert figures(found).trailing_silence_seconds == pytest.approx(again.trailing_silence_seconds, abs=0.03)
