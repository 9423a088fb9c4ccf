"""Corpora, files and folders that cannot be read are refused or named in one sentence, with what to do."""

import codecs
import errno
import os
from pathlib import Path

import pytest

from configs import InputError
from data.faults import FaultKind
from data.layouts import read_corpus
from data.layouts.entries import Entries, list_directory
from tests.data.layouts.listings import RecordingsWriter, only, read


def refuse(root: Path, sentence: str, layout: str = "auto", metadata: str | None = None) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        read_corpus(root, layout=layout, metadata=metadata)
    assert "\n" not in str(caught.value)


def test_kaldi_segments_are_refused(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav")
    (tmp_path / "wav.scp").write_text("a a.wav\n")
    (tmp_path / "text").write_text("a-1 A\n")
    (tmp_path / "segments").write_text("a-1 a 0 1\n")
    refuse(tmp_path, "segments: recordings that are cut into segments are not read")


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
