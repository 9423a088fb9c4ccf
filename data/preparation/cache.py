"""A content-addressed cache on disk, whose entries are verified whenever they are read.

An entry's key is a SHA-256 of its input and of everything that determines the result, so an entry is never stale:
another recording, setting or version has another key. An entry begins with the SHA-256 of the rest, and appears under
its name atomically. A process that is killed leaves the entry whole or absent; what a failing disk or a power cut
damages is detected when it is read, and computed again.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from configs.errors import refusing_os_errors

_DIGEST_BYTES = hashlib.sha256().digest_size
_ABANDONED_SECONDS = 3600  # an unfinished file of this age was left by a process that was killed


@dataclass(frozen=True, eq=False)
class Entry:
    """A cached result: facts, and audio if there is any."""

    facts: Any  # JSON
    audio: npt.NDArray[np.int16] | None = None  # [S]


class Cache:
    """A folder of entries. Any number of processes may read and write it at once.

    Args:
        folder: made when the first entry is written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def load(self, key: str) -> Entry | None:
        """The entry of this key; None if there is none, or if it is damaged or not in our format."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        body = memoryview(content)[_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != content[:_DIGEST_BYTES]:
            return None
        try:
            end = content.index(b"\n", _DIGEST_BYTES)
            header = json.loads(content[_DIGEST_BYTES:end])
            audio = np.frombuffer(content[end + 1 :], dtype="<i2")
        except (ValueError, RecursionError):
            return None
        if not (isinstance(header, list) and len(header) == 2 and isinstance(header[0], bool)):
            return None
        return Entry(header[1], audio if header[0] else None)

    def store(self, key: str, entry: Entry) -> None:
        """Write an entry, or replace a damaged one.

        It is not flushed to the disk: that would take longer than computing it again.

        Raises:
            InputError: the folder cannot be written.
        """
        header = json.dumps([entry.audio is not None, entry.facts]).encode() + b"\n"
        samples = b"" if entry.audio is None else entry.audio.astype("<i2", copy=False).tobytes()
        digest = hashlib.sha256(header)
        digest.update(samples)
        path, unfinished = self._path(key), self.folder / "unfinished"
        with self._writing():
            for folder in (path.parent, unfinished):
                folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=unfinished)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(digest.digest())
                    file.write(header)
                    file.write(samples)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    @contextlib.contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Lock the entry of this key against other processes that compute it.

        Raises:
            InputError: the folder cannot be written.
        """
        locks = self.folder / "locks"
        with self._writing():
            locks.mkdir(parents=True, exist_ok=True)
            lock = FileLock(locks / key)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def remove_unfinished(self) -> None:
        """Remove the files of killed processes, and none that a process is still writing."""
        with contextlib.suppress(OSError):
            for path in (self.folder / "unfinished").iterdir():
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink(missing_ok=True)

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        advice = "free some space or correct the rights, or set data.cache to another folder"
        return refusing_os_errors(f"{self.folder}: cannot be written", advice)

    def _path(self, key: str) -> Path:
        return self.folder / "entries" / key[:2] / key[2:]


def key_of(*parts: Any) -> str:  # JSON values
    """The SHA-256 of these values, in hexadecimal."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def digest_of_code(*files: Path) -> str:
    """The SHA-256 of source files, so that a change of the code changes the key."""
    return key_of(*(hashlib.sha256(file.read_bytes()).hexdigest() for file in files))
