"""Every class of bad rows, injected into a copy of real recordings: each is named, and nothing else is."""

import io
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from configs import AudioSettings, DataSettings
from data.faults import Action, FaultKind
from data.preparation import Preparation, prepare

RATE = 22050
Audio = npt.NDArray[np.float64]


def wav(audio: Audio, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def with_nan(audio: Audio) -> Audio:
    broken = audio.copy()
    broken[len(broken) // 2] = np.nan
    return broken


def rate_zero(content: bytes) -> bytes:
    place = content.index(b"fmt ") + 12
    return content[:place] + struct.pack("<I", 0) + content[place + 4 :]


# From a clean recording to the bytes of a bad one, and what becomes of its row.
BAD_FILES: dict[FaultKind, tuple[Callable[[Audio], bytes], Action]] = {
    FaultKind.EMPTY_FILE: (lambda audio: b"", Action.DROPPED),
    FaultKind.GARBAGE: (lambda audio: np.random.default_rng(0).bytes(40_000), Action.DROPPED),
    FaultKind.HTML: (lambda audio: b"<!DOCTYPE html><html><body>404 Not Found</body></html>", Action.DROPPED),
    FaultKind.HEADER_ONLY: (lambda audio: wav(audio)[:44], Action.DROPPED),
    FaultKind.TRUNCATED: (lambda audio: wav(audio)[: len(audio)], Action.DROPPED),
    FaultKind.NOT_FINITE: (lambda audio: wav(with_nan(audio), subtype="FLOAT"), Action.DROPPED),
    FaultKind.ZERO_SAMPLES: (lambda audio: wav(audio[:0]), Action.DROPPED),
    FaultKind.DIGITAL_SILENCE: (lambda audio: wav(np.zeros_like(audio)), Action.DROPPED),
    FaultKind.NEAR_SILENCE: (lambda audio: wav(audio * 10 ** (-60 / 20)), Action.DROPPED),
    FaultKind.CLIPPED: (lambda audio: wav(np.clip(audio * 10, -1, 1)), Action.KEPT),
    FaultKind.DC_OFFSET: (lambda audio: wav(0.5 * audio + 0.1), Action.REPAIRED),
    FaultKind.STEREO: (lambda audio: wav(np.stack((audio, audio), axis=1)), Action.REPAIRED),
    FaultKind.OTHER_RATE: (lambda audio: wav(np.repeat(audio, 2), rate=2 * RATE), Action.REPAIRED),
    FaultKind.RATE_ZERO: (lambda audio: rate_zero(wav(audio)), Action.DROPPED),
    FaultKind.TOO_SHORT: (lambda audio: wav(audio[RATE // 2 : RATE // 2 + RATE // 10]), Action.DROPPED),
    FaultKind.TOO_LONG: (lambda audio: wav(np.tile(audio, 20)), Action.DROPPED),
}
# From the line of a clean row to a bad one.
BAD_LINES: dict[FaultKind, tuple[Callable[[str, str], bytes], Action]] = {
    FaultKind.MISSING_FILE: (lambda name, text: f"{name}-gone|{text}|{text}".encode(), Action.DROPPED),
    FaultKind.DIRECTORY: (lambda name, text: f"a-directory|{text}|{text}".encode(), Action.DROPPED),
    FaultKind.CHARACTER_RATE: (lambda name, text: f"{name}|{text * 9}|{text * 9}".encode(), Action.DROPPED),
    FaultKind.DUPLICATE_ID: (lambda name, text: f"first-row|{text}|{text}".encode(), Action.DROPPED),
    FaultKind.PATH_ESCAPE: (lambda name, text: f"../../{name}|{text}|{text}".encode(), Action.DROPPED),
    FaultKind.EMPTY_TEXT: (lambda name, text: f"{name}||".encode(), Action.DROPPED),
    FaultKind.UNKNOWN_SYMBOLS: (lambda name, text: f"{name}|{text} \u2603|{text} \u2603".encode(), Action.KEPT),
    FaultKind.MARKUP: (lambda name, text: f"{name}|<b>{text}</b>|<b>{text}</b>".encode(), Action.REPAIRED),
    FaultKind.ENCODING: (lambda name, text: f"{name}|{text} caf\xe9|{text} caf\xe9".encode("latin-1"), Action.REPAIRED),
    FaultKind.COLUMNS: (lambda name, text: f"{name}|{text}|{text}|{text}".encode(), Action.DROPPED),
}


def look(root: Path, cache: Path) -> Preparation:
    return prepare(DataSettings(root=str(root), cache=str(cache)), AudioSettings())


def test_all_26_faults_are_named_and_nothing_else_is(ljspeech: Path, tmp_path: Path) -> None:
    faults = [fault for fault in FaultKind if fault is not FaultKind.UNEXAMINED]  # which test_examination.py has
    assert set(BAD_FILES) | set(BAD_LINES) == set(faults)
    assert len(faults) == 26
    rows = [line.split("|") for line in (ljspeech / "metadata.csv").read_text(encoding="utf-8").splitlines()]
    clean = [(row[0], row[2]) for row in rows if 40 < len(row[2]) < 90][: 2 * len(faults)]
    root = tmp_path / "corpus"
    (root / "wavs" / "a-directory.wav").mkdir(parents=True)
    lines = [f"first-row|{clean[0][1]}|{clean[0][1]}".encode()]
    shutil.copy(ljspeech / "wavs" / f"{clean[0][0]}.flac", root / "wavs" / "first-row.flac")
    expected = {}
    for number, kind in enumerate(faults):
        (good, good_text), (name, text) = clean[2 * number : 2 * number + 2]
        shutil.copy(ljspeech / "wavs" / f"{good}.flac", root / "wavs")
        lines.append(f"{good}|{good_text}|{good_text}".encode())
        recording = ljspeech / "wavs" / f"{name}.flac"
        if kind in BAD_FILES:
            make, action = BAD_FILES[kind]
            (root / "wavs" / f"{name}.wav").write_bytes(make(soundfile.read(recording)[0]))
            lines.append(f"{name}|{text}|{text}".encode())
        else:
            make_line, action = BAD_LINES[kind]
            shutil.copy(recording, root / "wavs")
            lines.append(make_line(name, text))
        expected[len(lines)] = (kind, action)
    (root / "metadata.csv").write_bytes(b"\n".join(lines) + b"\n")

    preparation = look(root, tmp_path / "cache")

    found: dict[int, list[tuple[FaultKind, Action]]] = {}
    for fault in preparation.faults:
        found.setdefault(fault.line, []).append((fault.kind, fault.action))
        assert fault.file
        assert fault.detail
    # What goes on for 20 clips' time says too little for its length as well: both may be told.
    assert {line: next(iter(one)) for line, one in found.items()} == expected
    assert sum(map(len, found.values())) <= len(expected) + 1
    kept = {clip.recording.line for clip in preparation.clips}
    assert kept == set(range(1, len(lines) + 1)) - {
        line for line, (_, action) in expected.items() if action == Action.DROPPED
    }


@pytest.mark.parametrize("corpus", ["ljspeech_dev", "onevoice"])
@pytest.mark.slow
def test_untouched_recordings_raise_no_alarm(corpus: str, shared_corpus: Callable[[str], Path], tmp_path: Path) -> None:
    root = shared_corpus(corpus)
    preparation = look(root, tmp_path)
    assert preparation.faults == ()
    assert len(preparation.clips) == preparation.rows == {"ljspeech_dev": 335, "onevoice": 1610}[corpus]
