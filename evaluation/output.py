"""What the commands write and print."""

import tempfile
from pathlib import Path

from configs import InputError
from configs.errors import refusing_os_errors


def counted(count: int, noun: str) -> str:
    """A number with its noun, such as `1 sentence` or `2 sentences`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def check_writable(path: Path) -> None:
    """Check before the long work that a file can be written; an existing one is not changed.

    Raises:
        InputError: it is a folder, or its folder cannot be made or written to.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder: name a file in it")
    with refusing_os_errors(f"{path}: cannot be written", "name another place"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
