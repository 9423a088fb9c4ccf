"""Atomic file writing: to a temporary file in the same folder, flushed to the disk, then renamed.

A temporary file is locked by its writer, and a lock ends with its process: an unlocked one was left by a process that
was killed, and the next write into the same folder removes it.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from configs.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, where abandoned files stay
    fcntl = None  # type: ignore[assignment]

# .NAME.XXXXXXXX.unfinished; the middle is tempfile's.
_UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}\.unfinished")
_LONGEST_NAME = 40  # characters of the name that the temporary file repeats


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file; when the block succeeds, it replaces `path` atomically.

    If the block or the disk fails, an existing file is untouched and nothing is left beside it.

    Raises:
        InputError: the disk is full, the folder is read-only, or the like.
    """
    if "\0" in str(path):
        raise InputError(f"{str(path)!r}: the name of a file cannot hold a NUL character: give another name")
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent)
        with _unfinished(path) as file:
            temporary = Path(file.name)
            yield file  # type: ignore[misc]
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            if fcntl is None:
                file.close()
            temporary.replace(path)  # while it is locked
            temporary = None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); what was there is untouched"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # a disk that has become read-only
                temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of killed processes, and none that a process is still writing."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            left = [each for each in entries if each.name.endswith(".unfinished") and _UNFINISHED.fullmatch(each.name)]
        for path in (Path(each.path) for each in left if each.is_file(follow_symlinks=False)):
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _unfinished(path: Path) -> IO[bytes]:
    """A new temporary file beside `path`, open and locked."""
    while True:
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - whoever asked closes it
            dir=path.parent, prefix=f".{path.name[:_LONGEST_NAME]}.", suffix=".unfinished", delete=False
        )
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another process was faster, and takes it for abandoned
            file.close()
            continue
        except OSError:  # a file system without locks: nothing on it is ever taken for abandoned
            return file
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # that process has removed it


def _umask() -> int:
    # A temporary file is private to its owner; the finished one gets the usual permissions.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot flush a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot; the file itself is safe
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
