"""Rows at fault in VCTK, LibriTTS, Kaldi, CSV and JSON: each layout names them with their line."""

from pathlib import Path

from data.faults import FaultKind
from data.layouts import read_corpus
from tests.data.layouts.listings import DROPPED, REPAIRED, RecordingsWriter, read


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
