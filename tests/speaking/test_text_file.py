"""What infer.py speaks is read in whatever encoding it was saved, and what is no text is refused."""

import io
import sys
from pathlib import Path

import pytest

from configs import InputError
from speaking.batch import read_batch_file
from speaking.command_line import read_text

TEXT = "Grüße für Anna.\nBis später!"


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "is UTF-16"),
        ("utf-16-le", "is UTF-16"),
        ("utf-16-be", "is UTF-16"),
        ("cp1252", "is not UTF-8 and was read as Windows-1252"),
    ],
)
def test_a_text_is_read_in_its_encoding_and_another_than_utf_8_is_told_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    encoding: str,
    told: str,
) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(TEXT.encode(encoding))
    assert read_text(None, file) == TEXT
    assert capsys.readouterr().err == (f"{file} {told}\n" if told else "")
    assert [line.text for line in read_batch_file(file)] == TEXT.split("\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode(encoding))))
    assert read_text("-", None) == TEXT


@pytest.mark.parametrize("content", [b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01", b"\x81\x8d\x90"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(content)
    for read in (lambda: read_text(None, file), lambda: read_batch_file(file)):
        with pytest.raises(InputError, match=r"text\.txt: (cannot be read as UTF-8 text|holds zero bytes)"):
            read()


def test_the_home_folder_may_be_written_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "text.txt").write_text("Hello.")
    assert read_text(None, Path("~/text.txt")) == "Hello."
