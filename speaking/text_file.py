"""A text to speak, from a file or a pipe in whatever encoding it was saved."""

import sys

from configs import InputError
from text.file_encoding import decode


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
