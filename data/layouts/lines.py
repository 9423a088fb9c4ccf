"""Reading text files line by line, in any common encoding; what is repaired is reported."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from configs.errors import refusing_os_errors
from data.faults import Fault, FaultKind
from text.file_encoding import as_utf8


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without its terminator."""

    number: int  # counted from 1
    text: str
    repair: str = ""  # what was wrong with it; on the first non-blank line, also with the whole file
    fault: Fault | None = None  # why it cannot be read

    @property
    def is_blank(self) -> bool:
        """Whether it is empty or white space."""
        return not self.text or self.text.isspace()


def read_lines(path: Path, *, crlf_allowed: bool = False) -> Iterator[Line]:
    """Read every line of a file: UTF-8, or else UTF-16 or -32; single lines may be Windows-1252.

    Args:
        path: the file.
        crlf_allowed: whether CRLF is normal in this format, and not reported.

    Raises:
        InputError: the file cannot be read.
    """
    content, of_file, every = _content(path, crlf_allowed)
    is_plain = not of_file and b"\r" not in content and _is_utf8_without_marks(content)
    number = 0
    # Not splitlines(): it also splits at characters that may occur in a text, such as U+2028.
    for number, ended in enumerate(io.BytesIO(content), start=1):
        raw = ended.removesuffix(b"\n")
        if is_plain:
            yield Line(number, raw.decode())
            continue
        text, repair, fault = _decoded(raw)
        if raw.endswith(b"\r"):
            text = text[:-1]
            if not every and not crlf_allowed:
                repair = "; ".join(filter(None, (repair, "the line ends in CRLF")))
        if of_file and raw.strip():
            repair, of_file = "; ".join(filter(None, (*of_file, repair))), []
        yield Line(number, text, repair, fault)
    if not content or content.endswith(b"\n"):
        yield Line(number + 1, "")


def _content(path: Path, crlf_allowed: bool) -> tuple[bytes, list[str], bool]:
    """The content with LF line ends, the repairs of the whole file, and whether every line ends in CRLF."""
    with refusing_os_errors(f"{path}: cannot be read", "put a file there that can be read"):
        content = path.read_bytes()
    try:
        content, mark = as_utf8(content)
    except UnicodeDecodeError as error:
        encoding = error.encoding.upper()[:6]
        raise InputError(f"{path}: begins as {encoding} and is not: save the file as UTF-8") from error
    carriage_returns_alone = b"\n" not in content and b"\r" in content
    if not mark and b"\r" not in content:
        return content, [], False
    if carriage_returns_alone:
        content = content.replace(b"\r", b"\n")
    filled = ended = 0
    carriage_returns = 0
    for raw in io.BytesIO(content):
        if raw.strip():
            filled += 1
            ended += raw.endswith((b"\n", b"\r"))  # the last line may have no end at all
            carriage_returns += raw.endswith((b"\r\n", b"\r"))
    count = f"{filled} line{'s' if filled > 1 else ''}"
    of_file = [f"the file of {count} {mark}"] if mark else []
    if carriage_returns_alone:
        of_file.append(f"every line ends in CR ({count})")
    every = 0 < carriage_returns == ended and not crlf_allowed
    if every:
        of_file.append(f"every line ends in CRLF ({count})")
    return content, of_file, every


def _is_utf8_without_marks(content: bytes) -> bool:
    if codecs.BOM_UTF8 in content:
        return False
    try:
        return content.isascii() or bool(content.decode())
    except UnicodeDecodeError:
        return False


def _decoded(raw: bytes) -> tuple[str, str, Fault | None]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        try:
            return raw.decode("cp1252"), "the line is not UTF-8 and was read as Windows-1252", None
        except UnicodeDecodeError:
            fault = Fault(FaultKind.ENCODING, "the line is neither UTF-8 nor Windows-1252")
            return raw.decode(errors="backslashreplace"), "", fault
    if text.startswith("\ufeff"):  # from concatenated files
        return text[1:], "the line begins with a byte order mark", None
    return text, "", None
