"""A wav that gives its length if it is short enough to be waited for, and else goes out while it is made."""

import struct
from collections.abc import AsyncIterator

from serving.workers import Job

_MOST_BYTES = 4 << 20  # of samples that are waited for: a minute and a half at 22 050 Hz
_UNKNOWN_BYTES = 0xFFFFFFFF - 36  # what the header says of samples that are still being made


async def whole_wav(pcm: Job, sample_rate: int) -> AsyncIterator[bytes]:
    """A wav of 16-bit mono samples at a rate in hertz; raises what the job raises."""
    waiting: list[bytes] | None = []  # None once the header is sent
    size = 0
    async for piece in pcm:
        if waiting is None:
            yield piece
            continue
        waiting.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            yield wav_header(_UNKNOWN_BYTES, sample_rate) + b"".join(waiting)
            waiting = None
    if waiting is not None:
        yield wav_header(size, sample_rate) + b"".join(waiting)


def wav_header(size: int, sample_rate: int) -> bytes:
    """The header of a wav with `size` bytes of 16-bit mono samples."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)
