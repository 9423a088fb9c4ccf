"""Decoding of text files: UTF-8, UTF-16 and UTF-32, with or without a byte order mark, and Windows-1252."""

import codecs
import sys

from configs import InputError

# UTF-32's mark for the other byte order begins with UTF-16's, so it comes first.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_LOOKED_AT = 4096  # bytes, to find UTF-16 that has no mark


def as_utf8(content: bytes) -> tuple[bytes, str]:
    """The content as UTF-8 without a byte order mark, and what was done, such as "is UTF-16"; empty where nothing was.

    Content that is in none of the Unicode encodings is returned as it is.

    Raises:
        UnicodeDecodeError: it has the mark of an encoding that it is not in.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :], "begins with a byte order mark"
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding).encode(), f"is {encoding}"
    if encoding := _unmarked_utf16(content):
        try:
            return content.decode(encoding).encode(), "is UTF-16"
        except UnicodeDecodeError:
            pass
    return content, ""


def decode(content: bytes) -> tuple[str, str]:
    """The content as text, and what was done, such as "is Windows-1252"; empty where it is plain UTF-8.

    Raises:
        UnicodeDecodeError: it is in none of these encodings.
    """
    content, done = as_utf8(content)
    try:
        return content.decode(), done
    except UnicodeDecodeError:
        return content.decode("cp1252"), "is not UTF-8 and was read as Windows-1252"


def _unmarked_utf16(content: bytes) -> str:
    """The byte order of Latin text in UTF-16, in which every second byte is zero; empty where it is not that."""
    head = content[:_LOOKED_AT]
    zeros = head[0::2].count(0), head[1::2].count(0)
    if len(content) % 2 or not any(zeros):
        return ""
    for few, many, encoding in ((zeros[0], zeros[1], "utf-16-le"), (zeros[1], zeros[0], "utf-16-be")):
        if 4 * many > len(head) // 2 and 20 * few <= many:
            return encoding
    return ""


def decoded_text(content: bytes, name: str) -> str:
    """The text that a file or a pipe holds; an encoding other than UTF-8 is reported in a line on standard error.

    Args:
        content: what was read.
        name: of the file, for what is reported.

    Raises:
        InputError: it is no text.
    """
    try:
        text, done = decode(content)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: cannot be read as UTF-8 text: {error}: save it as UTF-8") from error
    if "\0" in text:
        raise InputError(f"{name}: holds zero bytes, so it is no text: give a text file, saved as UTF-8")
    if "UTF-16" in done or "UTF-32" in done or "Windows" in done:
        print(f"{name} {done}", file=sys.stderr)
    return text
