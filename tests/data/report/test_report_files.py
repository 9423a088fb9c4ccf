"""The report for programs and for the terminal, and what goes onto the page before a browser sees it."""

import base64
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from configs import InputError
from data.faults import Action, FaultKind, RowFault
from data.preparation import Preparation, PreparedClip
from data.report import page, summary, suspects, write_report
from data.report.player import LONGEST_SECONDS, file_data_uri
from data.report.statistics import describe

ClipMaker = Callable[..., PreparedClip]
PreparationMaker = Callable[..., Preparation]


def _silence(clip: PreparedClip) -> npt.NDArray[np.int16]:
    return np.zeros(clip.samples, dtype=np.int16)


def _gone(clip: PreparedClip) -> npt.NDArray[np.int16]:
    raise InputError(f"{clip.recording.audio_path}: has changed since it was prepared: start again")


@pytest.fixture
def preparation(make_clip: ClipMaker, make_preparation: PreparationMaker) -> Preparation:
    return make_preparation(
        [make_clip(1), make_clip(2, "\udc80 <b>bold</b> \x1b[31m\u202e", loudness_lufs=None), make_clip(3)],
        [
            RowFault("c1", "wavs/c1.wav", 1, FaultKind.STEREO, "2 channels: their mean is taken", Action.REPAIRED),
            RowFault("c2", "wavs/c2.wav", 2, FaultKind.STEREO, "3 channels: their mean is taken", Action.REPAIRED),
            RowFault("c2", "wavs/c2.wav", 2, FaultKind.CLIPPED, "9 samples at full scale", Action.KEPT),
            RowFault("", "\udcff|a|b|c\x1b]0;title\x07", 4, FaultKind.COLUMNS, "4 columns", Action.DROPPED),
        ],
    )


def test_json_has_every_class_and_every_fault(preparation: Preparation, tmp_path: Path) -> None:
    write_report(preparation, describe(preparation), tmp_path, audio_of=_silence)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert list(report["counts"]) == [fault.value for fault in FaultKind]
    assert {name: count for name, count in report["counts"].items() if count} == {
        "stereo": 2,
        "clipped": 1,
        "wrong number of columns": 1,
    }
    assert sum(report["counts"].values()) == len(report["rows"])
    assert report["rows"][2] == {
        "id": "c2",
        "file": "wavs/c2.wav",
        "line": 2,
        "class": "clipped",
        "detail": "9 samples at full scale",
        "action": "kept",
    }
    assert report["rows"][3]["file"] == "\udcff|a|b|c\x1b]0;title\x07"  # as it was, to the lone surrogate
    assert (report["layout"], report["root"], report["rows_total"], report["clips"]) == ("ljspeech", "corpus", 4, 3)
    assert report["corpus"]["loudness_lufs"]["count"] == 2
    assert report["corpus"]["symbol_counts"] == {"ə": 3, "b": 3, "c": 3}
    assert any("only" in text or "10 times" in text for text in report["observations"])


def test_the_table_has_a_line_for_each_class_and_fits_its_width(preparation: Preparation, tmp_path: Path) -> None:
    table = summary(preparation, describe(preparation), tmp_path, width=72)
    lines = table.split("\n")
    assert [line.split("  ")[0] for line in lines[:4]] == ["class", "clipped", "stereo", "wrong number of columns"]
    assert re.match(r"stereo +2  repaired +wavs/c1.wav \(line 1\): 2 chann", lines[2])
    assert re.search(r"^clips +3 \(of 4 rows\)$", table, re.MULTILINE)
    assert re.search(r"^faults +4 \(2 repaired, 1 kept, 1 dropped\)$", table, re.MULTILINE)
    assert lines[-1] == f"report: {tmp_path / 'report.html'}"
    assert all(len(line) <= 72 for line in lines[:-1])
    assert "⟨U+001B⟩]0;title" in summary(preparation, describe(preparation), tmp_path, width=200)
    assert all(line.isprintable() for line in lines)  # nothing that steers a terminal


def test_a_corpus_without_faults_says_so(
    make_clip: ClipMaker, make_preparation: PreparationMaker, tmp_path: Path
) -> None:
    preparation = make_preparation([make_clip(1)])
    assert summary(preparation, describe(preparation), tmp_path, width=80).startswith("no faults\n")
    html = write_report(preparation, describe(preparation), tmp_path, audio_of=_silence).read_text(encoding="utf-8")
    assert f"{len(FaultKind)} classes did not occur" in html


def test_a_corpus_of_nothing_still_has_a_report(make_preparation: PreparationMaker, tmp_path: Path) -> None:
    preparation = make_preparation([])
    write_report(preparation, describe(preparation), tmp_path, audio_of=_silence)
    assert "No row of the corpus can be trained on." in summary(preparation, describe(preparation), tmp_path)


def test_players_are_shared_among_the_classes_when_there_are_too_many(
    make_clip: ClipMaker, make_preparation: PreparationMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [make_clip(line) for line in range(1, 41)]
    faults = [
        *(
            RowFault(f"c{line}", f"wavs/c{line}.wav", line, FaultKind.STEREO, "", Action.REPAIRED)
            for line in range(1, 40)
        ),
        RowFault("c40", "wavs/c40.wav", 40, FaultKind.CLIPPED, "", Action.KEPT),
    ]
    preparation = make_preparation(clips, faults)
    monkeypatch.setattr(suspects, "MOST_PLAYERS", 4)
    monkeypatch.setattr(page, "MOST_ROWS", 30)
    html = write_report(preparation, describe(preparation), tmp_path, audio_of=_silence).read_text(encoding="utf-8")
    assert re.findall(r'aria-label="Recording (c\d+)"', html) == ["c1", "c2", "c3", "c40"]
    assert "10 more rows are in report.json only" in html
    assert "26 rows are not given a player" in html
    monkeypatch.setattr(suspects, "MOST_PLAYER_BYTES", 10)
    html = write_report(preparation, describe(preparation), tmp_path, audio_of=_silence).read_text(encoding="utf-8")
    assert "<audio" not in html
    assert "30 rows are not given a player" in html


def test_sound_that_is_gone_does_not_take_the_report_with_it(preparation: Preparation, tmp_path: Path) -> None:
    html = write_report(preparation, describe(preparation), tmp_path, audio_of=_gone).read_text(encoding="utf-8")
    assert "9 samples at full scale" in html
    assert "<audio" not in html


def test_what_a_duplicate_row_has_is_not_said_of_the_first(
    make_clip: ClipMaker, make_preparation: PreparationMaker
) -> None:
    faults = [
        RowFault("c1", "wavs/c1.wav", 9, FaultKind.ENCODING, "CR LF", Action.REPAIRED),
        RowFault("c1", "wavs/c1.wav", 9, FaultKind.DUPLICATE_ID, "is on line 1", Action.DROPPED),
    ]
    preparation = make_preparation([make_clip(1)], faults)
    (row,) = suspects.suspects(preparation, describe(preparation))
    assert (row.clip, row.line, row.labels) == (None, 9, [FaultKind.ENCODING, FaultKind.DUPLICATE_ID])


@pytest.mark.parametrize(
    ("rate", "channels", "seconds"), [(22050, 1, 2.0), (96000, 2, 1.0), (11000, 1, 2.0), (16000, 1, 40.0)]
)
def test_a_dropped_recording_that_can_be_decoded_is_heard(
    tmp_path: Path, rate: int, channels: int, seconds: float
) -> None:
    tone = 0.4 * np.sin(2 * np.pi * 500 * np.arange(int(seconds * rate)) / rate)
    tone[10] = np.nan
    soundfile.write(tmp_path / "a.wav", np.tile(tone[:, None], channels), rate, subtype="FLOAT")
    uri = file_data_uri(tmp_path / "a.wav", tmp_path)
    assert uri is not None
    assert uri.startswith("data:audio/mpeg;base64,")
    heard, heard_rate = soundfile.read(io.BytesIO(_decoded(uri)))
    assert len(heard) / heard_rate == pytest.approx(min(seconds, LONGEST_SECONDS), abs=0.05)
    crossings = np.count_nonzero(np.diff(np.signbit(heard)))
    assert crossings / (len(heard) / heard_rate) == pytest.approx(1000, rel=0.02)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.4 / np.sqrt(2), rel=0.05)


def _decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def test_what_is_no_recording_of_the_corpus_is_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    soundfile.write(tmp_path / "private.wav", np.zeros(1000), 22050)
    (root / "page.wav").write_text("<!doctype html><title>404</title>")
    (root / "header.raw").write_bytes(bytes(1000))
    soundfile.write(root / "nothing.wav", np.zeros(0), 22050)
    os.mkfifo(root / "pipe.wav")  # to open it would wait for ever
    for name in ("../private.wav", str(tmp_path / "private.wav"), "page.wav", "header.raw", "nothing.wav", "pipe.wav"):
        assert file_data_uri(root / name, root) is None, name
    for name in ("", ".", "absent.wav", "a\0b.wav", "x" * 5000, "\udcff.wav"):
        assert file_data_uri(root / name, root) is None, name


def test_a_recording_cut_short_is_heard_and_its_decoder_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "cut.mp3", np.random.default_rng(0).normal(scale=0.1, size=60_000), 22050)
    content = (tmp_path / "cut.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(content[: len(content) // 2])
    assert file_data_uri(tmp_path / "cut.mp3", tmp_path) is not None
    assert capfd.readouterr().err == ""


def test_colours_can_be_read_in_light_and_in_dark() -> None:
    """WCAG 2.1, 1.4.3: text has a contrast of 4.5 at least."""
    style = (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8")
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)]
    assert len(themes) == 2
    for theme in themes:
        for ground in ("paper", "card"):
            for text in ("ink", "quiet", "accent", "bad", "mend", "keep", "note"):
                brighter, darker = sorted((_luminance(theme[ground]), _luminance(theme[text])), reverse=True)
                assert (brighter + 0.05) / (darker + 0.05) >= 4.5, (ground, text)


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
