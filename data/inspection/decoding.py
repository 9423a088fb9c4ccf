"""Decoding of audio files: from bytes to samples, or to the fault that prevents it.

Whatever the bytes are, decoding ends in one of the two: it raises nothing else, prints nothing, and decodes no more
than the longest recording that is wanted, in blocks. A file that declares, or is, terabytes is refused by its size and
its header before it is read.
"""

import contextlib
import io
import math
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from data.faults import Fault, FaultKind
from data.inspection.container import Container, read_container, with_data_size

BLOCK_SAMPLES = 1 << 21  # decoded at a time
MOST_SAMPLES = 1 << 28  # of all channels together: 1 GiB once decoded, three hours of 22 050 Hz mono
UNKNOWN_FRAMES = 1 << 60  # libsndfile reports a stream of unknown length as at least this
LOSSY_SLACK_SECONDS = 0.1  # lossy formats round their length to frames, and decoders differ in what they skip
# libsndfile also tries dozens of formats that no speech corpus uses; some of their decoders print or hang on damaged
# files. RIFF, RIFX, RF64 and BW64 are WAV, FORM is AIFF, riff is Wave64, ID3 and the last are MP3.
KINDS = re.compile(rb"RIFF|RIFX|RF64|BW64|FORM|\.snd|dns\.|fLaC|OggS|caff|riff|NIST_1A|ID3|\xff[\xe0-\xff]")
LFS_POINTER = b"version https://git-lfs"
MARKUP = re.compile(rb"<(!doctype|!--|\?xml|[a-z][a-z0-9]*[\s/>])", re.IGNORECASE)
SPLIT_HINT = ": data.prepare --split cuts it at silences; data.longest_seconds=N keeps longer ones"

SMALL_BYTES = 1 << 26  # files up to 64 MiB are read without checking the header first
COMPRESSED = re.compile(rb"OggS|ID3|\xff[\xe0-\xff]")  # length known only after reading the whole file
_COMPRESSED_BYTES_PER_SECOND = 1 << 18  # far more than MP3, Vorbis and Opus use
_SAMPLE_BYTES = 8  # of the widest sample format


class NotDecodedError(Exception):
    """A file that yields no samples, or fewer than it should; `fault` says why."""

    def __init__(self, kind: FaultKind, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(kind, detail)


@dataclass(frozen=True, eq=False)
class Decoded:
    """All samples of a file."""

    audio: npt.NDArray[np.float32]  # [S, channels], S > 0, full scale at 1; may contain NaN or infinity
    rate_hz: int


def decode_file(path: Path) -> Decoded:
    """Decode a file of any length that fits into memory; errors as `refuse_by_header` and `decode`."""
    refuse_by_header(path)
    return decode(path.read_bytes())


def decode(content: bytes, *, longest_seconds: float = math.inf) -> Decoded:
    """Decode a whole file.

    Args:
        content: the bytes of a file in any format of libsndfile.
        longest_seconds: longer recordings are refused before they are decoded.

    Raises:
        NotDecodedError: empty, not audio, truncated, without samples, or too long.
    """
    check_kind(content)
    container = read_container(content)
    if container is not None:
        _check_container(content, container)
        content = with_data_size(content, container)
    # Only libmpg123 prints, and it is tried only on files without another header.
    with contextlib.nullcontext() if container else quiet_stderr():
        return _decode(content, container, longest_seconds)


def refuse_by_header(path: Path, *, longest_seconds: float = math.inf) -> None:
    """Refuse a file that is larger than a recording of this length can be, before it is read into memory.

    Args:
        path: the file; up to 64 MiB it is not opened.
        longest_seconds: longer recordings are refused.

    Raises:
        NotDecodedError: not audio, too long, or larger than a recording of this length can be.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size <= SMALL_BYTES:
        return
    with path.open("rb") as file:
        head = file.read(512)
    check_kind(head)
    if COMPRESSED.match(head):
        _check_size(size, min(longest_seconds * _COMPRESSED_BYTES_PER_SECOND, MOST_SAMPLES), longest_seconds)
        return
    try:
        with quiet_stderr(), soundfile.SoundFile(path) as opened:
            rate, channels, frames = opened.samplerate, opened.channels, opened.frames
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        raise NotDecodedError(FaultKind.GARBAGE, f"cannot be decoded: {_words_of(error)}") from error
    if frames < UNKNOWN_FRAMES:
        check_length(frames, rate, channels, longest_seconds)
    most_samples = min(longest_seconds * rate * channels, MOST_SAMPLES)
    _check_size(size, most_samples * _SAMPLE_BYTES, longest_seconds)


def is_slow_to_open(path: Path) -> bool:
    """Whether libsndfile would read a whole large file before it returns the first sample."""
    if path.stat().st_size <= SMALL_BYTES:
        return False
    with path.open("rb") as file:
        return COMPRESSED.match(file.read(512)) is not None


def check_kind(content: bytes) -> None:
    """Refuse content that does not begin like an audio file; the first 512 bytes are enough.

    Raises:
        NotDecodedError: empty, or of no known format.
    """
    if not content:
        raise NotDecodedError(FaultKind.EMPTY_FILE, "the file has 0 bytes")
    head = content[:512].removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    text = head.replace(b"\0", b"").lstrip()  # UTF-16 of a Latin letter is the letter and a zero
    if MARKUP.match(text):
        raise NotDecodedError(
            FaultKind.HTML, f"the file is a page that begins {text[:40].decode('ascii', 'replace')!r}"
        )
    if head.startswith(LFS_POINTER):
        raise NotDecodedError(FaultKind.GARBAGE, "the file is a Git LFS pointer: run `git lfs pull`")
    if not KINDS.match(content):
        raise NotDecodedError(FaultKind.GARBAGE, f"cannot be decoded: no known format begins with {content[:4]!r}")


def _check_container(content: bytes, container: Container) -> None:
    size, starts, ends = len(content), container.data_start, container.data_end
    if container.rate_hz == 0:
        raise NotDecodedError(FaultKind.RATE_ZERO, "the header says 0 samples per second")
    if starts is None or (starts < size and (ends is None or ends <= size + 1)):  # a last odd byte may be missing
        return
    if ends is not None and ends <= starts:
        raise NotDecodedError(FaultKind.ZERO_SAMPLES, "the header says 0 samples")
    if starts >= size:
        raise NotDecodedError(FaultKind.HEADER_ONLY, f"the file ends with its header, after {size} bytes")
    raise NotDecodedError(FaultKind.TRUNCATED, f"the file has {size} of the {ends} bytes that its header promises")


def _decode(content: bytes, container: Container | None, longest_seconds: float) -> Decoded:
    ends_within_header = container is not None and container.data_start is None
    within_header = f"the file ends within its header, after {len(content)} bytes"
    stream = _Stream(content)
    try:
        file = soundfile.SoundFile(stream)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        if ends_within_header:
            raise NotDecodedError(FaultKind.HEADER_ONLY, within_header) from error
        raise NotDecodedError(FaultKind.GARBAGE, f"cannot be decoded: {_words_of(error)}") from error
    with file:
        rate, declared_frames = file.samplerate, file.frames
        unknown = declared_frames >= UNKNOWN_FRAMES
        if not unknown:
            check_length(declared_frames, rate, file.channels, longest_seconds)
        most = min(declared_frames, MOST_SAMPLES // file.channels + 1)
        if not math.isinf(longest_seconds):
            most = min(most, math.floor(longest_seconds * rate) + 1)
        audio, error_words = _read(file, most)
        lossy = file.subtype in ("VORBIS", "OPUS") or file.subtype.startswith("MPEG")
    if ends_within_header and len(audio) == 0:
        raise NotDecodedError(FaultKind.HEADER_ONLY, within_header)
    declared = "" if unknown else f" of {declared_frames}"
    if unknown and (len(audio) > longest_seconds * rate or audio.size > MOST_SAMPLES):
        longest = min(longest_seconds, MOST_SAMPLES / audio.shape[1] / rate)
        raise NotDecodedError(FaultKind.TOO_LONG, f"a stream of more than {longest:g} s{SPLIT_HINT}")
    if unknown and "seek" in error_words:  # how soundfile reports the end of such a stream
        error_words = ""
    if error_words and stream.tell() < len(content):
        raise NotDecodedError(
            FaultKind.GARBAGE, f"cannot be decoded after {len(audio)}{declared} samples: {error_words}"
        )
    if error_words or (not unknown and len(audio) < declared_frames - (LOSSY_SLACK_SECONDS * rate if lossy else 0)):
        raise NotDecodedError(FaultKind.TRUNCATED, f"the file ends after {len(audio)}{declared} samples")
    if len(audio) == 0:
        raise NotDecodedError(FaultKind.ZERO_SAMPLES, "the file is well formed, but has 0 samples")
    return Decoded(audio, rate)


def check_length(frames: int, rate: int, channels: int, longest_seconds: float) -> None:
    """Refuse a recording by the length that its header declares.

    Raises:
        NotDecodedError: it is too long, or does not fit into memory.
    """
    if frames > longest_seconds * rate:
        raise NotDecodedError(FaultKind.TOO_LONG, f"{frames / rate:.1f} s, more than {longest_seconds:g} s{SPLIT_HINT}")
    if frames * channels > MOST_SAMPLES:
        detail = f"{frames} samples in {channels} channel{'s' if channels > 1 else ''}, more than {MOST_SAMPLES} in all"
        raise NotDecodedError(FaultKind.TOO_LONG, detail)


def _read(file: soundfile.SoundFile, most: int) -> tuple[npt.NDArray[np.float32], str]:
    """Read at most this many frames; also returns the error that stopped it, if any, beside what came before."""
    blocks = []
    words = ""
    while most > 0 and not words:
        # soundfile does not report how many frames came before an error: those that are still NaN did not.
        block = np.full((min(most, max(1, BLOCK_SAMPLES // file.channels)), file.channels), np.nan, np.float32)
        try:
            read = len(file.read(out=block))
        except (soundfile.SoundFileError, OSError) as error:
            read, words = int(np.count_nonzero(~np.isnan(block[:, -1]))), _words_of(error)
        blocks.append(block[:read])
        most = most - read if read == len(block) else 0
    if len(blocks) == 1:
        return blocks[0], words
    return np.concatenate([np.zeros((0, file.channels), np.float32), *blocks]), words


def _check_size(size: int, most: float, longest_seconds: float) -> None:
    if size > SMALL_BYTES + most:
        limit = "can be held in memory" if math.isinf(longest_seconds) else f"{longest_seconds:g} s of sound can have"
        raise NotDecodedError(FaultKind.TOO_LONG, f"the file has {size} bytes, more than {limit}{SPLIT_HINT}")


def _words_of(error: Exception) -> str:
    """The message of a libsndfile error, without its prefix."""
    return str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")


class _Stream(io.BytesIO):
    """Bytes in which a seek to before the beginning fails silently, as it does in a file read from C."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self.tell() if whence == io.SEEK_SET and offset < 0 else super().seek(offset, whence)


_stderr_lock = threading.Lock()


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Redirect the process's standard error to /dev/null, for a C library that cannot be told not to print."""
    with _stderr_lock, contextlib.ExitStack() as stack:
        try:
            kept = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        stack.callback(os.close, kept)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, nowhere)
        os.dup2(nowhere, 2)
        stack.callback(os.dup2, kept, 2)
        yield
