"""A lock on a folder that one process at a time may write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from configs.errors import InputError


@contextmanager
def alone_in(folder: Path, *, lock: str, busy: str, advice: str) -> Iterator[None]:
    """Keep other processes out of a folder, which is created if missing.

    Args:
        folder: that all of them lock.
        lock: name of the lock in it.
        busy: what the other process is doing, and what to do about it.
        advice: what to do if the folder cannot be written.

    Raises:
        InputError: another process has the lock, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / lock, blocking=False)
        held.acquire()
    except Timeout as error:
        raise InputError(f"{folder}: another process is {busy}") from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}): {advice}") from error
    try:
        yield
    finally:
        held.release()
