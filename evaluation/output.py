"""A file to be written at the end: whether that can be done is found out before the long work."""

import tempfile
from pathlib import Path

from configs import InputError


def check_writable(path: Path) -> None:
    """Try the place of a file; what is there stays as it is.

    Raises:
        InputError: it is a folder, or its own cannot be made or written to.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder: name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}): name another place") from error
