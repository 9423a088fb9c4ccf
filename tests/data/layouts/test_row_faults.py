"""Rows at fault: each is named with its id, its line and what was done, and the others are read."""

import codecs
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from data.faults import FaultKind
from data.layouts import LAYOUTS, read_corpus
from tests.data.layouts.listings import DROPPED, REPAIRED, RecordingsWriter, only, read

_CHARACTERS = 'ab|,"./\\\r\n\t \0\ufeff\u2028\u00e9{}:'
_METADATA = ("metadata.csv", "metadata.jsonl", "text", "txt/p1/p1_001.txt", "1/2/a.normalized.txt")


@pytest.mark.parametrize(
    ("row", "identity", "file", "kind", "detail"),
    [
        ("gone|two|two", "gone", "gone", FaultKind.MISSING_FILE, "there is no recording gone in .*wavs"),
        ("gone.flac|two|two", "gone", "gone.flac", FaultKind.MISSING_FILE, "there is no recording gone.flac"),
        ("a.flac|two|two", "a", "wavs/a.wav", FaultKind.DUPLICATE_ID, "the id a is already on line 1"),
        ("x" * 3000 + "|two|two", "x" * 3000, "x" * 3000, FaultKind.MISSING_FILE, "there is no recording xxx"),
        (
            "x" * 3000 + "/a|two|two",
            "x" * 3000 + "/a",
            "x" * 3000 + "/a",
            FaultKind.MISSING_FILE,
            "there is no recording",
        ),
        ("a.wav/b|two|two", "a.wav/b", "a.wav/b", FaultKind.MISSING_FILE, "there is no recording a.wav/b"),
        ("|two|two", "", "", FaultKind.MISSING_FILE, "names no recording"),
        ("./|two|two", "", "./", FaultKind.MISSING_FILE, "names no recording"),
        ("folder|two|two", "folder", "folder", FaultKind.DIRECTORY, "wavs/folder is a directory"),
        ("fold|two|two", "fold", "fold", FaultKind.DIRECTORY, "wavs/fold.wav is a directory"),
        ("a|two|two", "a", "wavs/a.wav", FaultKind.DUPLICATE_ID, "the id a is already on line 1"),
        ("wavs/a.wav|two|two", "a", "wavs/a.wav", FaultKind.DUPLICATE_ID, "the id a is already on line 1"),
        ("b||", "b", "wavs/b.wav", FaultKind.EMPTY_TEXT, "no text"),
        ("b|| \t\u3000", "b", "wavs/b.wav", FaultKind.EMPTY_TEXT, "no text"),
        ("b|two", "b", "b", FaultKind.COLUMNS, "has 2 columns where 3 are expected"),
        ("b", "b", "b", FaultKind.COLUMNS, "has 1 columns where 3 are expected"),
        ("b|two|two|two", "b", "b", FaultKind.COLUMNS, "has 4 columns where 3 are expected"),
        ("../a|two|two", "../a", "../a", FaultKind.PATH_ESCAPE, r"could lead out of the folder"),
        ("b/../../a|two|two", "b/../../a", "b/../../a", FaultKind.PATH_ESCAPE, "could lead out of the folder"),
        ("..\\a|two|two", "../a", "..\\a", FaultKind.PATH_ESCAPE, "could lead out of the folder"),
        ("/etc/passwd|two|two", "/etc/passwd", "/etc/passwd", FaultKind.PATH_ESCAPE, "absolute path"),
        ("\\\\host\\a|two|two", "/host/a", "\\\\host\\a", FaultKind.PATH_ESCAPE, "absolute path"),
        ("C:\\a|two|two", "C:/a", "C:\\a", FaultKind.PATH_ESCAPE, "absolute path"),
        ("c:a|two|two", "c:a", "c:a", FaultKind.PATH_ESCAPE, "absolute path"),
        ("b\0|two|two", "b\0", "b\0", FaultKind.PATH_ESCAPE, r"'b\\x00' has characters"),
        ("b\x1b[2J|two|two", "b\x1b[2J", "b\x1b[2J", FaultKind.PATH_ESCAPE, "has characters"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped_and_named(
    tmp_path: Path, record: RecordingsWriter, row: str, identity: str, file: str, kind: FaultKind, detail: str
) -> None:
    record("wavs/a.wav", "wavs/b.wav", "wavs/c.wav", "a.wav", "../outside.wav")
    (tmp_path / "wavs" / "folder").mkdir()
    (tmp_path / "wavs" / "fold.wav").mkdir()
    listing = read(tmp_path, "a|one|one", "", " \t", row, "c|three|three")
    fault = only(listing)
    assert (fault.id, fault.file, fault.line) == (identity, file, 4)
    assert (fault.kind, fault.action) == (kind, DROPPED)
    assert [part.id for part in listing.recordings] == ["a", "c"]
    assert listing.rows == 3
    assert re.search(detail, fault.detail)


def test_most_rows_decide_how_many_columns_there_should_be(tmp_path: Path, record: RecordingsWriter) -> None:
    record("wavs/a.wav", "wavs/b.wav", "wavs/c.wav")
    fault = only(read(tmp_path, "a|raw|text", "b|text", "c|text"))
    assert (fault.id, fault.line, fault.kind) == ("a", 1, FaultKind.COLUMNS)
    assert "has 3 columns where 2 are expected" in fault.detail


def test_a_speaker_that_one_row_does_not_name_is_missed_there(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav", "b.wav", "c.wav")
    listing = read(tmp_path, "a|ann|one", "b||two", "c|ann|three")
    fault = only(listing)
    assert (fault.id, fault.line, fault.kind, fault.action) == ("b", 2, FaultKind.COLUMNS, DROPPED)
    assert {row.speaker for row in listing.recordings} == {"ann"}
    assert {row.speaker for row in read(tmp_path, "a||one", "b||two", layout="piper").recordings} == {None}


@pytest.mark.parametrize(
    ("content", "line", "detail", "texts"),
    [
        ("\ufeffa|one\nb|two\n".encode(), 1, "2 lines begins with a byte order mark", ["one", "two"]),
        (b"a|one\r\n\r\nb|two\r\n", 1, r"every line ends in CRLF \(2 lines\)", ["one", "two"]),
        (b"\r\na|one\r\nb|two", 2, r"every line ends in CRLF \(2 lines\)", ["one", "two"]),
        ("\ufeffa|one\r\nb|two\r\n".encode(), 1, "byte order mark; every line ends in CRLF", ["one", "two"]),
        (b"a|one\nb|two\r\n", 2, "the line ends in CRLF", ["one", "two"]),
        (b"a|one\nb|caf\xe9 \x80\n", 2, "not UTF-8 and was read as Windows-1252", ["one", "caf\u00e9 \u20ac"]),
        (b"a|one\rb|two\r", 1, r"every line ends in CR \(2 lines\)", ["one", "two"]),
        ("a|one\n\ufeffb|two\n".encode(), 2, "the line begins with a byte order mark", ["one", "two"]),
        ("a|one\nb|zw\u00f6lf\n".encode("utf-16"), 1, "2 lines is UTF-16", ["one", "zw\u00f6lf"]),
        (codecs.BOM_UTF16_BE + "a|one\nb|two".encode("utf-16-be"), 1, "is UTF-16", ["one", "two"]),
        ("a|one\nb|two\n".encode("utf-32"), 1, "is UTF-32", ["one", "two"]),
    ],
)
def test_how_a_file_was_saved_is_repaired_and_said_once(
    tmp_path: Path, record: RecordingsWriter, content: bytes, line: int, detail: str, texts: list[str]
) -> None:
    record("wavs/a.wav", "wavs/b.wav")
    (tmp_path / "metadata.csv").write_bytes(content)
    listing = read_corpus(tmp_path)
    fault = only(listing)
    assert [row.text for row in listing.recordings] == texts
    row = next(row for row in listing.recordings if row.line == line)
    assert (fault.id, fault.file, fault.line) == (row.id, f"wavs/{row.id}.wav", line)
    assert (fault.kind, fault.action) == (FaultKind.ENCODING, REPAIRED)
    assert re.search(detail, fault.detail)


def test_several_lines_that_differ_are_each_named(tmp_path: Path, record: RecordingsWriter) -> None:
    record(*(f"wavs/{name}.wav" for name in "abcde"))
    (tmp_path / "metadata.csv").write_bytes(b"a|1\r\nb|\xe9\nc|3\nd|\xe9\r\ne|5\x81\n")
    listing = read_corpus(tmp_path)
    assert [row.text for row in listing.recordings] == ["1", "\u00e9", "3", "\u00e9"]
    assert [(row.id, row.line, row.action) for row in listing.faults] == [
        ("a", 1, REPAIRED),
        ("b", 2, REPAIRED),
        ("d", 4, REPAIRED),
        ("e", 5, DROPPED),  # no character of Windows-1252
    ]
    assert {row.kind for row in listing.faults} == {FaultKind.ENCODING}


def test_a_row_that_is_repaired_and_dropped_has_both_faults(tmp_path: Path, record: RecordingsWriter) -> None:
    record("wavs/a.wav")
    listing = read(tmp_path, "\ufeffgone|x", "a|y")
    assert [(row.id, row.kind, row.action) for row in listing.faults] == [
        ("gone", FaultKind.ENCODING, REPAIRED),
        ("gone", FaultKind.MISSING_FILE, DROPPED),
    ]
    assert listing.rows == 2


@pytest.mark.parametrize("layout", ["auto", *LAYOUTS])
@settings(deadline=None)
@given(content=st.binary() | st.text(_CHARACTERS).map(str.encode), name=st.sampled_from(_METADATA))
def test_whatever_a_file_holds_every_row_is_a_recording_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, layout: str, content: bytes, name: str
) -> None:
    root = tmp_path_factory.mktemp("corpus")
    for wav in ("a.wav", "wavs/a.wav", "wav48/p1/p1_001.wav", "1/2/a.wav"):
        (root / wav).parent.mkdir(parents=True, exist_ok=True)
        (root / wav).touch()
    if name == "text":
        (root / "wav.scp").write_bytes(content)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)
    try:
        listing = read_corpus(root, layout=layout)
    except InputError:
        return
    dropped = [row for row in listing.faults if row.action is DROPPED]
    assert len(listing.recordings) + len(dropped) == listing.rows
    assert len({row.id for row in listing.recordings}) == len(listing.recordings) > 0
    assert all(row.text.strip() and row.audio_path.is_file() for row in listing.recordings)
