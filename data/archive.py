"""Extraction of an untrusted tar.bz2 archive: it can fill its own folder, up to a limit, and nothing else.

Files are written by us and not by `tarfile`, so links, devices, owners and permissions in the archive are ignored.
"""

import bz2
import re
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from tqdm import tqdm

from configs import InputError
from configs.content import UNFIT

_CHUNK_BYTES = 1 << 16
_HEADER_BYTES = 1 << 20  # far more than a legitimate header; tarfile would read any size into memory
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9 _.+-]+")  # valid on every system


def unpack(archive: Path, folder: Path, *, top: str, most_members: int, most_bytes: int) -> None:
    """Extract the only top-level folder of an archive.

    Args:
        archive: a tar.bz2 file.
        folder: an existing, empty folder for the content of `top`; it keeps what was written if the archive is refused.
        top: name of the top-level folder, which everything in the archive must be inside.
        most_members: maximum number of files and folders.
        most_bytes: maximum total size of the files, checked before they are written.

    Raises:
        InputError: the archive is damaged or violates these conditions, or the disk is full.
    """
    members, written = 0, 0
    try:
        with (
            archive.open("rb") as packed,
            tqdm(desc="unpacking", total=archive.stat().st_size, unit="B", unit_scale=True, disable=None) as bar,
        ):
            stream = _Decompressed(packed, bar)
            with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
                for member in tar:
                    target = folder / _place(member, top)
                    members, written = members + 1, written + member.size
                    if members > most_members or written > most_bytes:
                        raise _RefusedError(f"holds more than {most_members} members or {most_bytes} bytes")
                    stream.allowed_bytes = member.size + _HEADER_BYTES
                    _write(tar, member, target)
    except (_RefusedError, tarfile.TarError, *UNFIT) as error:
        # tarfile has its own exception for some malformed headers, and fails otherwise on others.
        raise InputError(
            f"{archive}: {error}: it is not the archive it should be; remove it, and fetch it anew from another address"
        ) from error
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: cannot be written ({error.strerror or error}): free some space or correct "
            "the rights, then run the same command again"
        ) from error


class _RefusedError(Exception):
    """The archive violates a condition."""


class _Decompressed:
    """The tar stream in a tar.bz2, with a limit: a small archive may decompress to any size."""

    def __init__(self, packed: BinaryIO, bar: "tqdm[Any]") -> None:
        self._packed, self._bar = packed, bar
        self._tar = bz2.BZ2File(packed)
        self.allowed_bytes = _HEADER_BYTES  # until the next member has been checked

    def read(self, size: int) -> bytes:
        try:
            block = self._tar.read(size)
        except (EOFError, OSError) as error:
            raise _RefusedError(f"is damaged ({error})") from error
        self._bar.update(self._packed.tell() - self._bar.n)
        self.allowed_bytes -= len(block)
        if self.allowed_bytes < 0:
            raise _RefusedError("has a header of absurd size")
        return block


def _place(member: tarfile.TarInfo, top: str) -> PurePosixPath:
    """The path of a member, relative to the folder `top`."""
    path = PurePosixPath(member.name)
    is_file = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    if not (is_file or member.isdir()):
        raise _RefusedError(f"{member.name!r} in it is neither a file nor a folder")
    if path.parts[:1] != (top,) or not all(_NAME.fullmatch(part) for part in path.parts):
        raise _RefusedError(f"{member.name!r} in it is not a plain name inside {top}/")
    if member.size < 0:
        raise _RefusedError(f"{member.name!r} in it has the size {member.size}")
    return path.relative_to(top)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None, "a regular file has a content"
    try:
        file = target.open("xb")
    except FileExistsError as error:
        raise _RefusedError(f"{member.name!r} is in it twice") from error
    with file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
