"""Rows at fault: each is named with its id, its line and what was done, and the others are read."""

import codecs
import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from data.faults import Action, FaultKind, RowFault
from data.layouts import LAYOUTS, Listing, read_corpus
from data.layouts.entries import Entries, list_directory

RecordingsWriter = Callable[..., None]
DROPPED, REPAIRED = Action.DROPPED, Action.REPAIRED

_CHARACTERS = 'ab|,"./\\\r\n\t \0\ufeff\u2028\u00e9{}:'
_METADATA = ("metadata.csv", "metadata.jsonl", "text", "txt/p1/p1_001.txt", "1/2/a.normalized.txt")


def read(root: Path, *lines: str, layout: str = "auto", metadata: str = "metadata.csv") -> Listing:
    (root / metadata).write_bytes("".join(f"{line}\n" for line in lines).encode())
    return read_corpus(root, layout=layout)


def only(listing: Listing) -> RowFault:
    assert len(listing.faults) == 1, listing.faults
    return listing.faults[0]


def refuse(root: Path, sentence: str, layout: str = "auto", metadata: str | None = None) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        read_corpus(root, layout=layout, metadata=metadata)
    assert "\n" not in str(caught.value)


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


def test_vctk_recordings_and_transcripts_that_lack_each_other_are_named(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    audio = "wav48_silence_trimmed"
    record(*(f"{audio}/{name}.flac" for name in ("p1/p1_001_mic1", "p315/p315_001_mic1", "p315/p315_001_mic2")))
    (tmp_path / "txt" / "p1").mkdir(parents=True)
    (tmp_path / "txt" / "p1" / "p1_001.txt").write_bytes(b"\xef\xbb\xbfHello\r\n")
    (tmp_path / "txt" / "p1" / "p1_002.txt").write_text("Hello")
    (tmp_path / "txt" / "p1" / "p1_003.txt").write_text(" \n")
    (tmp_path / audio / "p1" / "p1_003_mic1.flac").touch()
    listing = read_corpus(tmp_path)
    assert [(row.id, row.line, row.kind, row.action) for row in listing.faults] == [
        ("p1_001", 1, FaultKind.ENCODING, REPAIRED),
        ("p1_002", 1, FaultKind.MISSING_FILE, DROPPED),
        ("p1_003", 1, FaultKind.EMPTY_TEXT, DROPPED),
        ("p315_001", 1, FaultKind.EMPTY_TEXT, DROPPED),
    ]
    assert listing.faults[3].file == f"{audio}/p315/p315_001_mic1.flac"
    assert "txt/p315/p315_001.txt" in listing.faults[3].detail
    assert ([row.text for row in listing.recordings], listing.rows) == (["Hello"], 4)


def test_libritts_recordings_and_transcripts_that_lack_each_other_are_named(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    record("1/2/1_2_0.wav", "1/2/1_2_1.wav", "1/3/1_2_0.wav")
    for name in ("1/2/1_2_0", "1/2/1_2_2", "1/3/1_2_0"):
        (tmp_path / f"{name}.normalized.txt").write_text("Hello")
    listing = read_corpus(tmp_path)
    assert [(row.id, row.kind, row.action) for row in listing.faults] == [
        ("1_2_1", FaultKind.EMPTY_TEXT, DROPPED),
        ("1_2_2", FaultKind.MISSING_FILE, DROPPED),
        ("1_2_0", FaultKind.DUPLICATE_ID, DROPPED),
    ]
    assert "already on 1/2/1_2_0.normalized.txt line 1" in listing.faults[2].detail
    assert listing.rows == 4


def test_kaldi_rows_at_fault_are_named_and_no_command_is_run(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav", "b.wav", "../outside.wav")
    flag = tmp_path / "it-was-run"
    wavs = ["a a.wav", f"b touch {flag} |", "c ../outside.wav", "d gone.wav", "e b.wav", "g b.wav", "a b.wav"]
    (tmp_path / "wav.scp").write_text("\n".join(wavs))
    (tmp_path / "text").write_text("a A\nb B\nc C\nd D\ne\nf F\n")
    listing = read_corpus(tmp_path)
    assert not flag.exists()
    assert [(row.id, row.line, row.kind) for row in listing.faults] == [
        ("b", 2, FaultKind.MISSING_FILE),
        ("c", 3, FaultKind.PATH_ESCAPE),
        ("d", 4, FaultKind.MISSING_FILE),
        ("e", 5, FaultKind.EMPTY_TEXT),
        ("f", 6, FaultKind.MISSING_FILE),
        ("g", 6, FaultKind.EMPTY_TEXT),
        ("a", 7, FaultKind.DUPLICATE_ID),
    ]
    assert "commands are not run" in listing.faults[0].detail
    assert {row.action for row in listing.faults} == {DROPPED}
    assert ([row.id for row in listing.recordings], listing.rows) == (["a"], 8)


def test_a_kaldi_id_that_is_twice_in_both_files_is_one_row_too_many(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav")
    (tmp_path / "wav.scp").write_text("a a.wav\na a.wav\n")
    (tmp_path / "text").write_text("a A\na B\n")
    listing = read_corpus(tmp_path)
    assert [(row.line, row.kind) for row in listing.faults] == [(2, FaultKind.DUPLICATE_ID)]
    assert ([row.text for row in listing.recordings], listing.rows) == (["A"], 2)


def test_kaldi_segments_are_refused(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav")
    (tmp_path / "wav.scp").write_text("a a.wav\n")
    (tmp_path / "text").write_text("a-1 A\n")
    (tmp_path / "segments").write_text("a-1 a 0 1\n")
    refuse(tmp_path, "segments: recordings that are cut into segments are not read")


def test_a_csv_quote_that_is_never_closed_costs_one_row(tmp_path: Path, record: RecordingsWriter) -> None:
    record(*(f"{name}.wav" for name in "abcdef"))
    rows = ["a.wav,one", 'b.wav,"two', "c.wav,three", 'd.wav,"four"', 'e.wav,"fi"ve', "f.wav,six,seven"]
    listing = read(tmp_path, "file_name,text", *rows)
    assert [(row.id, row.text) for row in listing.recordings] == [
        ("a", "one"),
        ("c", "three"),
        ("d", "four"),
        ("e", "five"),  # as Python's csv reads it
    ]
    assert [(row.id, row.line, row.kind, row.action) for row in listing.faults] == [
        ("b", 3, FaultKind.COLUMNS, DROPPED),
        ("f", 7, FaultKind.COLUMNS, DROPPED),
    ]
    assert "quote" in listing.faults[0].detail
    assert "has 3 columns where 2 are expected" in listing.faults[1].detail


def test_audiofolder_lines_are_counted_as_the_file_has_them(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav", "b.wav")
    listing = read(tmp_path, "\ufefffile_name,text", "", 'a.wav,"one', 'two"', "", "b.wav,three", "gone.wav,x")
    assert [(row.id, row.text, row.line) for row in listing.recordings] == [("a", "one\ntwo", 3), ("b", "three", 6)]
    assert [(row.id, row.line, row.kind) for row in listing.faults] == [
        ("a", 3, FaultKind.ENCODING),
        ("gone", 7, FaultKind.MISSING_FILE),
    ]


def test_json_lines_at_fault_are_named(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav", "b.wav")
    lines = [
        '{"file_name": "a.wav", "text": "one", "speaker": 3}',
        "not json",
        "[1]",
        "[" * 100_000,
        '{"file_name": "b.wav", "speaker": 3}',
        '{"text": "no name", "speaker": 3}',
        '{"file_name": "b\\ud800.wav", "text": "half", "speaker": 3}',
        '{"file_name": "../b.wav", "text": "out", "speaker": 3}',
    ]
    listing = read(tmp_path, *lines, metadata="metadata.jsonl")
    assert [(row.id, row.text, row.speaker) for row in listing.recordings] == [("a", "one", "3")]
    assert [(row.line, row.kind) for row in listing.faults] == [
        (2, FaultKind.COLUMNS),
        (3, FaultKind.COLUMNS),
        (4, FaultKind.COLUMNS),
        (5, FaultKind.EMPTY_TEXT),
        (6, FaultKind.MISSING_FILE),
        (7, FaultKind.ENCODING),
        (8, FaultKind.PATH_ESCAPE),
    ]
    assert all(row.id.encode() is not None for row in listing.faults)
    assert listing.rows == 8


def test_a_folder_or_a_file_that_is_not_there_is_refused_with_what_to_do(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    refuse(tmp_path / "absent", r"absent: there is no such folder: set data\.root")
    refuse(tmp_path / ("x" * 300), "there is no such folder")
    refuse(tmp_path / "a\0b", "there is no such folder")
    refuse(
        tmp_path, r"has none of metadata\.csv .*\(ljspeech\).*txt/SPEAKER.*\(vctk\).*wav\.scp.*\(kaldi\).*data\.root"
    )
    refuse(tmp_path, "'coqui' is no layout: choose auto, ljspeech", layout="coqui")
    for layout in ("ljspeech", "piper", "audiofolder"):
        refuse(tmp_path, r"metadata\.csv: there is no such file.*data\.metadata", layout=layout)
        refuse(tmp_path, r"val\.csv: there is no such file.*data\.metadata", layout=layout, metadata="val.csv")
    refuse(tmp_path, r"wav\.scp: there is no such file", layout="kaldi")
    for layout in ("vctk", "libritts"):
        refuse(tmp_path, f"holds no recordings in the layout {layout}", layout=layout)
        refuse(tmp_path, f"the layout {layout} has no such file", layout=layout, metadata="val.csv")
    (tmp_path / "train.csv").write_text("a|one\n")
    refuse(tmp_path, r"set data\.metadata where train\.csv is the metadata")
    refuse(tmp_path, r"val\.csv: there is no such file: data\.metadata and data", metadata="val.csv")
    for name in ("a\0b", "x" * 3000, "."):
        for layout in ("auto", "ljspeech", "audiofolder"):
            refuse(tmp_path, "there is no such file", layout=layout, metadata=name)


@pytest.mark.parametrize("layout", ["auto", "ljspeech", "piper", "audiofolder"])
def test_a_metadata_file_without_rows_is_refused(tmp_path: Path, layout: str) -> None:
    for content in (b"", b"\n \r\n"):
        (tmp_path / "metadata.csv").write_bytes(content)
        refuse(tmp_path, r"metadata\.csv: (has no rows|is empty)", layout=layout)


def test_a_file_of_another_kind_is_refused(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav")
    (tmp_path / "metadata.csv").write_text("name,words\na.wav,one\n")
    refuse(tmp_path, r"metadata\.csv: has none of the layouts")
    refuse(tmp_path, r"most rows have 1 column between \|.*data\.format", layout="ljspeech")
    refuse(tmp_path, r"line 1: the header is 'name,words': name its columns file_name and text", layout="audiofolder")
    (tmp_path / "metadata.csv").write_bytes(codecs.BOM_UTF16_LE + b"a\0|")
    refuse(tmp_path, r"metadata\.csv: begins as UTF-16 and is not: save the file as UTF-8")
    (tmp_path / "metadata.csv").write_bytes(bytes(range(256)) * 64)
    refuse(tmp_path, r"metadata\.csv")


def test_where_no_row_can_be_used_the_faults_are_counted_and_the_first_is_told(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    record("wavs/a.wav")
    (tmp_path / "metadata.csv").write_text("gone|one\nlost|two\na|\n")
    refuse(
        tmp_path,
        r"metadata\.csv: none of 3 rows can be used \(missing file 2, empty text 1; the first, on line 1: .*gone",
    )


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


def test_what_may_not_be_read_is_named(
    tmp_path: Path, record: RecordingsWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    record("wavs/a.wav", "wavs/locked/b.wav")
    list_folder, read_bytes = os.scandir, Path.read_bytes

    def locked_list(path: Path) -> object:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    def locked_read(path: Path) -> bytes:
        if path.name == "locked.csv":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(os, "scandir", locked_list)
    monkeypatch.setattr(Path, "read_bytes", locked_read)
    fault = only(read(tmp_path, "a|one", "locked/b|two"))
    assert (fault.id, fault.line, fault.kind) == ("locked/b", 2, FaultKind.MISSING_FILE)
    assert "wavs/locked: we may not list it" in fault.detail
    (tmp_path / "locked.csv").write_text("a|one\n")
    refuse(tmp_path, r"locked\.csv: cannot be read \(Permission denied\)", metadata="locked.csv")


def test_a_folder_that_a_broken_disk_does_not_list_is_named_and_not_taken_for_empty(
    tmp_path: Path, record: RecordingsWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    record("wavs/a.wav")

    def broken(path: Path) -> object:
        raise OSError(errno.EIO, "Input/output error")

    assert list_directory(tmp_path / "wavs" / "a.wav") == Entries(tmp_path / "wavs" / "a.wav")
    assert list_directory(tmp_path / ("x" * 300)) == Entries(tmp_path / ("x" * 300))
    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(InputError, match=r"wavs: it cannot be listed: Input/output error"):
        list_directory(tmp_path / "wavs")
