"""Whether a recording is worth reading, by its size and its header alone: a file may promise, or be, terabytes."""

import math
import re
from pathlib import Path

import soundfile

from data.findings import Fault
from data.inspection.decoding import (
    MOST_SAMPLES,
    SPLIT_HINT,
    UNKNOWN_FRAMES,
    NotDecodedError,
    check_kind,
    check_length,
    quiet_stderr,
    words_of,
)

SMALL_BYTES = 1 << 26  # 64 MiB are read without a look at the header first
COMPRESSED = re.compile(rb"OggS|ID3|\xff[\xe0-\xff]")  # whose length is known only when all of the file was read
_COMPRESSED_BYTES_PER_SECOND = 1 << 18  # far more than MP3, Vorbis and Opus have
_SAMPLE_BYTES = 8  # of the widest samples there are


def refuse_by_header(path: Path, *, longest_seconds: float = math.inf) -> None:
    """Refuse a file that no recording of this length can fill, before it is read into memory.

    Args:
        path: of a file; up to 64 MiB it is not opened.
        longest_seconds: longer recordings are refused.

    Raises:
        NotDecodedError: no audio, too long, or larger than a recording of this length can be.
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
        raise NotDecodedError(Fault.GARBAGE, f"cannot be decoded: {words_of(error)}") from error
    if frames < UNKNOWN_FRAMES:
        check_length(frames, rate, channels, longest_seconds)
    most_samples = min(longest_seconds * rate * channels, MOST_SAMPLES)
    _check_size(size, most_samples * _SAMPLE_BYTES, longest_seconds)


def is_slow_to_open(path: Path) -> bool:
    """Whether libsndfile would read all of a large file before it gives the first sample."""
    if path.stat().st_size <= SMALL_BYTES:
        return False
    with path.open("rb") as file:
        return COMPRESSED.match(file.read(512)) is not None


def _check_size(size: int, most: float, longest_seconds: float) -> None:
    if size > SMALL_BYTES + most:
        limit = "can be held in memory" if math.isinf(longest_seconds) else f"{longest_seconds:g} s of sound can have"
        raise NotDecodedError(Fault.TOO_LONG, f"the file has {size} bytes, more than {limit}{SPLIT_HINT}")
