"""The lines of a text file, whatever it was saved with: what is repaired is said, and where."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from data.findings import Fault
from data.layouts.folder import Flaw

# UTF-32's mark for the other byte order begins with UTF-16's, so it comes first.
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True)
class Line:
    """One line, without its end."""

    number: int  # counted from 1
    text: str
    repair: str = ""  # what was wrong with it, or with the whole file where it is the first that is not blank
    flaw: Flaw | None = None  # why it cannot be read

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.text or self.text.isspace()


def read_lines(path: Path, *, crlf_allowed: bool = False) -> list[Line]:
    """Read every line of a file: UTF-8, as it should be; else UTF-16 or -32 with its mark, or a Windows-1252 line.

    Args:
        path: the file.
        crlf_allowed: whether the format has CRLF as its line end, so that nothing is said of it.

    Raises:
        InputError: the file cannot be read at all.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): put a file there that can be read") from error
    content, mark = _without_mark(path, content)
    carriage_returns_alone = b"\n" not in content and b"\r" in content
    if carriage_returns_alone:
        content = content.replace(b"\r", b"\n")
    # Not splitlines(): it also breaks at characters that may stand inside a text, such as U+2028.
    raw_lines = content.split(b"\n")
    filled = [raw for raw in raw_lines if raw.strip()]
    count = f"{len(filled)} line{'s' if len(filled) > 1 else ''}"
    of_file = [f"the file of {count} {mark}"] if mark else []
    if carriage_returns_alone:
        of_file.append(f"every line ends in CR ({count})")
    carriage_returns = sum(raw.endswith(b"\r") for raw in filled)
    # The last line may have no end at all.
    ended = len(filled) - (raw_lines[-1].strip() != b"" and not raw_lines[-1].endswith(b"\r"))
    if every := 0 < carriage_returns == ended and not crlf_allowed:
        of_file.append(f"every line ends in CRLF ({count})")
    lines = []
    for number, raw in enumerate(raw_lines, start=1):
        text, repairs, flaw = _decoded(raw)
        if raw.endswith(b"\r"):
            text = text[:-1]
            if not every and not crlf_allowed:
                repairs.append("the line ends in CRLF")
        if of_file and raw.strip():
            repairs, of_file = of_file + repairs, []
        lines.append(Line(number, text, "; ".join(repairs), flaw))
    return lines


def _without_mark(path: Path, content: bytes) -> tuple[bytes, str]:
    """The content as UTF-8 without a byte order mark, and what the file begins with."""
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :], "begins with a byte order mark"
    for mark, encoding in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            try:
                return content.decode(encoding).encode(), f"is {encoding}"
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: begins as {encoding} and is not: save the file as UTF-8") from error
    return content, ""


def _decoded(raw: bytes) -> tuple[str, list[str], Flaw | None]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        try:
            return raw.decode("cp1252"), ["the line is not UTF-8 and was read as Windows-1252"], None
        except UnicodeDecodeError:
            flaw = Flaw(Fault.ENCODING, "the line is neither UTF-8 nor Windows-1252")
            return raw.decode(errors="backslashreplace"), [], flaw
    if text.startswith("\ufeff"):  # where files were joined
        return text[1:], ["the line begins with a byte order mark"], None
    return text, [], None
