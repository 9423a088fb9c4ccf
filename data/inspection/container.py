"""The headers of audio files: where the samples are, and how many bytes of them the header declares.

libsndfile silently shortens a file that holds less than its header declares. A truncated recording must not be trained
on: the end of its text would have no audio. Sources: RIFF/WAVE with EBU Tech 3306 (RF64), AIFF-C, the Sun
audio format, Sony Wave64, NIST SPHERE, FLAC (RFC 9639), Ogg (RFC 3533).
"""

import re
import struct
from dataclasses import dataclass

UNKNOWN_SIZE = 0x7FFF0000  # a streaming writer leaves a placeholder of at least this, with various low bits
CHUNK_NAME = re.compile(rb"[ -~]{4}")
MOST_CHUNKS = 4096  # a file of zeros appears to have one per eight bytes
FLAC_HEADER, OGG_HEADER = 4, 27  # bytes of a metadata block's header, and of a page's


@dataclass(frozen=True)
class Container:
    """Where the samples of a file are according to its header, as byte offsets from the start of the file."""

    rate_hz: int | None  # None if left to the decoder
    data_start: int | None  # None if the file ends within its header
    data_end: int | None  # None if the header does not say; may lie beyond the end of the file
    missing_size: slice | None = None  # of a streamed WAV: the size field that its writer left at 0
    order: str = "<"  # byte order of that field


def read_container(content: bytes) -> Container | None:
    """Parse the header of a file; None for a format whose header declares nothing that can be checked."""
    kind = content[:4]
    if kind in (b"RIFF", b"RF64", b"BW64") and content[8:12] == b"WAVE":
        return _wav(content, "<")
    if kind == b"RIFX" and content[8:12] == b"WAVE":
        return _wav(content, ">")
    if kind == b"FORM" and content[8:12] in (b"AIFF", b"AIFC"):
        place = dict(_chunks(content, ">")).get(b"SSND")
        return Container(None, place and place.start, place and place.stop)
    if kind in (b".snd", b"dns.") and len(content) >= 24:
        start, size, _, rate = struct.unpack_from(">4I" if kind == b".snd" else "<4I", content, 4)
        return Container(rate, start, None if size >= UNKNOWN_SIZE else start + size)
    if kind == b"riff" and len(content) >= 24:  # Wave64
        return Container(None, 0, struct.unpack_from("<Q", content, 16)[0])
    if kind == b"NIST":
        return _sphere(content)
    if kind == b"fLaC":
        return _flac(content)
    if kind == b"OggS":
        return Container(None, 0, _end_of_last_ogg_page(content))
    return None


def with_data_size(content: bytes, container: Container) -> bytes:
    """Fill in the data size of a streamed WAV whose writer left 0, which libsndfile would take literally."""
    place = container.missing_size
    if place is None:
        return content
    return (
        content[: place.start] + struct.pack(f"{container.order}I", len(content) - place.stop) + content[place.stop :]
    )


def _wav(content: bytes, order: str) -> Container | None:
    chunks = list(_chunks(content, order))
    places = dict(reversed(chunks))  # the first of each name
    fmt, data, sizes = places.get(b"fmt "), places.get(b"data"), places.get(b"ds64")
    rate = struct.unpack_from(f"{order}I", content, fmt.start + 4)[0] if fmt and len(content) >= fmt.start + 8 else None
    if data is None:
        # Bytes that only begin like a WAV have chunk names of any kind.
        return Container(rate, None, None) if all(CHUNK_NAME.fullmatch(name) for name in places) else None
    start, size = data.start, data.stop - data.start
    if size >= UNKNOWN_SIZE and sizes and len(content) >= sizes.start + 16:
        return Container(rate, start, start + struct.unpack_from("<Q", content, sizes.start + 8)[0])
    if size == 0 and start < len(content) and max(place.stop for _, place in chunks) > len(content):
        return Container(rate, start, None, slice(start - 4, start), order)  # what follows is samples, not chunks
    return Container(rate, start, None if size >= UNKNOWN_SIZE else start + size)


def _chunks(content: bytes, order: str) -> list[tuple[bytes, slice]]:
    """Name and byte range of the chunks that begin within the file."""
    found: list[tuple[bytes, slice]] = []
    at = 12
    while at + 8 <= len(content) and len(found) < MOST_CHUNKS:
        name, size = struct.unpack_from(f"{order}4sI", content, at)
        found.append((name, slice(at + 8, at + 8 + size)))
        at += 8 + size + size % 2
    return found


def _sphere(content: bytes) -> Container | None:
    fields = dict(re.findall(rb"^(\w+) -i (\d{1,18})\s*$", content[:1024], re.MULTILINE))
    start = re.match(rb"NIST_1A\n\s*(\d{1,9})\n", content)
    try:
        samples, channels, width = (
            int(fields[name]) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")
        )
    except KeyError:
        return None
    return start and Container(None, int(start[1]), int(start[1]) + samples * channels * width)


def _flac(content: bytes) -> Container:
    rate = int.from_bytes(content[18:21]) >> 4 if len(content) >= 21 else None
    at, last = 4, False
    while not last:
        if at + FLAC_HEADER > len(content):
            return Container(rate, None, None)
        last = bool(content[at] & 0x80)
        at += FLAC_HEADER + int.from_bytes(content[at + 1 : at + FLAC_HEADER])
    return Container(rate, at if at <= len(content) else None, None)


def _end_of_last_ogg_page(content: bytes) -> int:
    at = 0
    while content[at : at + 4] == b"OggS" and at + OGG_HEADER <= len(content):
        segments = content[at + OGG_HEADER - 1]
        at += OGG_HEADER + segments + sum(content[at + OGG_HEADER : at + OGG_HEADER + segments])
    return at
