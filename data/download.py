"""Resumable download of a large file: interrupted anywhere, it continues from there.

The received bytes are in NAME.part; NAME.part.json identifies the file and the server (RFC 9110, sections 13.1.5
If-Range and 14.2 Range). Only the SHA-256 decides whether a file is complete: no server is trusted.
"""

import contextlib
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import requests
import urllib3
from tqdm import tqdm

from configs import InputError
from configs.atomic_file import replacing
from configs.errors import refusing_os_errors

_CHUNK_BYTES = 1 << 16
_HASH_BYTES = 1 << 20
_LONGEST_PAUSE_SECONDS = 60.0
_TEMPORARY_ERRORS = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Patience:
    """Timeouts and retries."""

    timeout_seconds: float = 30.0  # without receiving a byte
    attempts: int = 6  # in a row, without progress
    pause_seconds: float = 1.0  # before the second attempt; doubles with each further one


class _BrokenOffError(Exception):
    """The download is incomplete, and another request may help."""


def download(url: str, path: Path, *, sha256: str, magic: bytes, patience: Patience | None = None) -> None:
    """Download `url` to `path`, continuing what earlier calls have received.

    Args:
        url: http or https.
        path: the file; it appears whole, flushed to the disk and with the right SHA-256, or not at all.
        sha256: of the file, 64 lower-case hexadecimal digits.
        magic: first bytes of the file; other content is refused early.
        patience: timeouts and retries.

    Raises:
        InputError: the server has no such file or another one, the connection failed too often, or the disk is full;
            except after a wrong SHA-256, the received bytes are kept for the next call.
    """
    advice = "free some space or correct the rights, then run the same command again; what has come is kept"
    with (
        refusing_os_errors(f"{path}: cannot be written", advice),
        contextlib.closing(_PartialFile(path.with_name(f"{path.name}.part"))) as part,
    ):
        _retry(url, part, sha256, magic, patience or Patience())
        part.become(path)


def _retry(url: str, part: "_PartialFile", sha256: str, magic: bytes, patience: Patience) -> None:
    """Send requests until the file is complete, or further ones are useless."""
    failures, furthest = 0, part.size
    while part.sha256 != sha256:
        try:
            _fetch(url, part, magic, patience.timeout_seconds)
        except _BrokenOffError as error:
            failures = 0 if part.size > furthest else failures + 1
            furthest = max(furthest, part.size)
            if failures == patience.attempts:
                raise InputError(
                    f"{url}: {error}, {failures} times in a row: check the network and run the same command again "
                    f"(the {part.size} bytes that have come are kept), or try another address with --url"
                ) from error
            pause = min(patience.pause_seconds * 2 ** max(failures - 1, 0), _LONGEST_PAUSE_SECONDS)
            tqdm.write(f"{error} after {part.size} bytes: going on in {pause:.0f} s", file=sys.stderr)
            time.sleep(pause)
            continue
        if part.sha256 != sha256:
            part.remove()
            raise InputError(
                f"{url}: what came has the SHA-256 {part.sha256}, not {sha256}, and was removed: run the same command "
                "again, or try another address with --url"
            )


def hash_file(path: Path) -> tuple["hashlib._Hash", int]:
    """The SHA-256 object of a file, and its size in bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file, _bar("checking", total=path.stat().st_size) as bar:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
            bar.update(len(block))
        return digest, file.tell()


@dataclass(frozen=True)
class _Origin:
    """The identity of the file that a part belongs to."""

    url: str
    validator: str | None  # ETag or date: unchanged as long as the file on the server is
    size: int | None  # in bytes, of the whole file

    @classmethod
    def of(cls, url: str, response: requests.Response) -> Self:
        etag = response.headers.get("ETag")
        if etag is None or etag.startswith("W/"):  # a weak ETag does not identify the bytes
            etag = response.headers.get("Last-Modified")
        name = "Content-Range" if response.status_code == 206 else "Content-Length"
        size = re.search(r"(?:^|/)(\d+)$", response.headers.get(name, ""))
        return cls(url, etag, int(size[1]) if size else None)

    def may_equal(self, other: Self) -> bool:
        """Whether nothing that is known of both differs; the validators of two servers are not compared."""
        pairs = [(self.size, other.size), (self.validator if self.url == other.url else None, other.validator)]
        return all(mine == theirs for mine, theirs in pairs if mine is not None and theirs is not None)


class _PartialFile:
    """The received bytes of a file, on disk and as a running SHA-256."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._note = path.with_name(f"{path.name}.json")
        self._file = path.open("ab")
        self._digest, self.size = hash_file(path)
        self.origin: _Origin | None = None  # None: it cannot be continued
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError, RecursionError):
            self.origin = _Origin(**json.loads(self._note.read_bytes()))

    def close(self) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def begin(self, origin: _Origin) -> None:
        """Start over. An empty part may have any note, so a kill between the two writes is harmless."""
        self._file.truncate(0)
        self._digest, self.size, self.origin = hashlib.sha256(), 0, origin
        with replacing(self._note) as file:
            file.write(json.dumps(asdict(origin)).encode())

    def append(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._file.flush()  # so that a kill loses nothing
        self._digest.update(chunk)
        self.size += len(chunk)

    def remove(self) -> None:
        self._file.close()
        self._note.unlink(missing_ok=True)
        self._path.unlink()

    def become(self, path: Path) -> None:
        """Rename the complete part."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._note.unlink(missing_ok=True)
        self._path.replace(path)


def _fetch(url: str, part: _PartialFile, magic: bytes, timeout_seconds: float) -> None:
    """Send one request, and append its response to the part.

    Raises:
        _BrokenOffError: it was incomplete, and another request may help.
        InputError: another request will not help.
    """
    headers = {"Accept-Encoding": "identity"}
    if part.size and part.origin is not None:
        headers["Range"] = f"bytes={part.size}-"
        if part.origin.validator is not None and part.origin.url == url:
            headers["If-Range"] = part.origin.validator
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout_seconds) as response:
            origin = _Origin.of(url, response)
            chunks = _chunks(response)
            _find_place(url, response, chunks, part, origin, magic)
            with _bar("downloading", total=origin.size, initial=part.size) as bar:
                for chunk in chunks:
                    part.append(chunk)
                    bar.update(len(chunk))
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _BrokenOffError(f"nothing came for {timeout_seconds:g} s") from error
    except (requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError) as error:
        raise InputError(f"{url}: is not an address ({error}): give that of the archive with --url") from error
    except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
        raise _BrokenOffError(f"the connection failed ({_root_of(error)})") from error
    except requests.RequestException as error:
        raise InputError(f"{url}: cannot be fetched ({error}): give the address of the archive with --url") from error
    if origin.size is not None and part.size < origin.size:  # some servers limit the size of a response
        raise _BrokenOffError("the connection ended")


def _root_of(error: BaseException) -> BaseException:
    return error if error.__context__ is None else _root_of(error.__context__)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    # requests would collect chunks of one size, and lose an incomplete one when the connection breaks.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
        yield chunk


def _find_place(
    url: str, response: requests.Response, chunks: Iterator[bytes], part: _PartialFile, origin: _Origin, magic: bytes
) -> None:
    """Check that the coming chunks continue the part; start it over if the response is the whole file."""
    status = response.status_code
    if status in _TEMPORARY_ERRORS:
        raise _BrokenOffError(f"the server answered HTTP {status}")
    if status == 416:  # the part is longer than the file
        part.origin = None
        raise _BrokenOffError("the server has no continuation")
    if status not in (200, 206):
        raise InputError(f"{url}: the server answered HTTP {status}: give the address of the archive with --url")
    # An error page with status 200 must not overwrite the part, so its first bytes are checked before.
    head = b""
    while status == 200 and len(head) < len(magic) and (chunk := next(chunks, b"")):
        head += chunk
    is_page = response.headers.get("Content-Type", "").lower().startswith("text/html")
    if is_page or not head.startswith(magic[: len(head)]):
        raise InputError(
            f"{url}: brought something else than the archive, perhaps the sign-in page of this network: open it in a "
            "browser, then run the same command again, or try another address with --url"
        )
    if status == 200:
        if len(head) < len(magic):
            raise _BrokenOffError("the connection ended")
        part.begin(origin)
        part.append(head)
        return
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    continues = start is not None and int(start[1]) == part.size
    if not continues or part.origin is None or not part.origin.may_equal(origin):
        part.origin = None  # ask for the whole file next time
        raise _BrokenOffError("the server has another file now, or no continuation")


def _bar(what: str, *, total: int | None, initial: int = 0) -> "tqdm[Any]":
    return tqdm(desc=what, total=total, initial=initial, unit="B", unit_scale=True, disable=None, delay=1, leave=False)
