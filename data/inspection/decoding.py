"""The bytes of an audio file to samples, or to the reason why not.

Whatever the bytes are, this ends in one of the two: it neither raises anything else nor prints, and decodes no more
than the longest recording that is wanted, in blocks.
"""

import contextlib
import io
import math
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soundfile

from data.findings import Action, Fault
from data.inspection.container import Container, read_container, with_its_size

BLOCK_SAMPLES = 1 << 21  # read at a time
MOST_SAMPLES = 1 << 28  # of all channels together: 1 GiB once decoded, three hours of 22 050 Hz mono
UNKNOWN_FRAMES = 1 << 60  # libsndfile reports a stream of unknown length as one of more
LOSSY_SLACK_SECONDS = 0.1  # lossy formats round their length to frames, and decoders differ in what they skip
# libsndfile also tries dozens of kinds that no corpus of speech comes in; some of their decoders print or hang on
# damaged files. RIFF, RIFX, RF64 and BW64 are WAV, FORM is AIFF, riff is Wave64, ID3 and the last are MP3.
KINDS = re.compile(rb"RIFF|RIFX|RF64|BW64|FORM|\.snd|dns\.|fLaC|OggS|caff|riff|NIST_1A|ID3|\xff[\xe0-\xff]")
LFS_POINTER = b"version https://git-lfs"
MARKUP = re.compile(rb"<(!doctype|!--|\?xml|[a-z][a-z0-9]*[\s/>])", re.IGNORECASE)
SPLIT_HINT = ": data.prepare --split cuts it at silences; data.longest_seconds=N keeps longer ones"


@dataclass(frozen=True)
class AudioFault:
    """One thing that is wrong with a recording."""

    fault: Fault
    detail: str  # the value, and the bound it breaks
    action: Action


class NotDecodedError(Exception):
    """A file that gives no samples, or not all that it should; `fault` says why."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = AudioFault(fault, detail, Action.DROPPED)


@dataclass(frozen=True, eq=False)
class Decoded:
    """All the samples of a file."""

    audio: npt.NDArray[np.float32]  # [S, channels], S > 0, full scale at 1; may have NaN or infinite samples
    rate_hz: int


def decode(content: bytes, *, longest_seconds: float = math.inf) -> Decoded:
    """Decode a whole file.

    Args:
        content: the bytes of a file in any format libsndfile knows.
        longest_seconds: longer recordings are refused before they are decoded.

    Raises:
        NotDecodedError: empty, no audio, cut short, without samples, or too long.
    """
    check_kind(content)
    container = read_container(content)
    if container is not None:
        _check_container(content, container)
        content = with_its_size(content, container)
    # Only libmpg123 prints, and it is tried only on files without a header of another kind.
    with contextlib.nullcontext() if container else quiet_stderr():
        return _decode(content, container, longest_seconds)


def check_kind(content: bytes) -> None:
    """Refuse what does not begin like a recording; the first 512 bytes are enough.

    Raises:
        NotDecodedError: empty, or of no kind that is known.
    """
    if not content:
        raise NotDecodedError(Fault.EMPTY_FILE, "the file has 0 bytes")
    head = content[:512].removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    text = head.replace(b"\0", b"").lstrip()  # UTF-16 of a Latin letter is the letter and a zero
    if MARKUP.match(text):
        raise NotDecodedError(Fault.HTML, f"the file is a page that begins {text[:40].decode('ascii', 'replace')!r}")
    if head.startswith(LFS_POINTER):
        raise NotDecodedError(Fault.GARBAGE, "the file is a Git LFS pointer: run `git lfs pull`")
    if not KINDS.match(content):
        raise NotDecodedError(Fault.GARBAGE, f"cannot be decoded: no known format begins with {content[:4]!r}")


def _check_container(content: bytes, container: Container) -> None:
    size, starts, ends = len(content), container.sound_starts, container.sound_ends
    if container.rate_hz == 0:
        raise NotDecodedError(Fault.RATE_ZERO, "the header says 0 samples per second")
    if starts is None or (starts < size and (ends is None or ends <= size + 1)):  # a last odd byte may be missing
        return
    if ends is not None and ends <= starts:
        raise NotDecodedError(Fault.ZERO_SAMPLES, "the header says 0 samples")
    if starts >= size:
        raise NotDecodedError(Fault.HEADER_ONLY, f"the file ends with its header, after {size} bytes")
    raise NotDecodedError(Fault.TRUNCATED, f"the file has {size} of the {ends} bytes that its header promises")


def _decode(content: bytes, container: Container | None, longest_seconds: float) -> Decoded:
    ends_within_header = container is not None and container.sound_starts is None
    within_header = f"the file ends within its header, after {len(content)} bytes"
    stream = _Stream(content)
    try:
        file = soundfile.SoundFile(stream)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        if ends_within_header:
            raise NotDecodedError(Fault.HEADER_ONLY, within_header) from error
        raise NotDecodedError(Fault.GARBAGE, f"cannot be decoded: {words_of(error)}") from error
    with file:
        rate, promised = file.samplerate, file.frames
        unknown = promised >= UNKNOWN_FRAMES
        if not unknown:
            check_length(promised, rate, file.channels, longest_seconds)
        most = min(promised, MOST_SAMPLES // file.channels + 1)
        if not math.isinf(longest_seconds):
            most = min(most, math.floor(longest_seconds * rate) + 1)
        audio, error_words = _read(file, most)
        lossy = file.subtype in ("VORBIS", "OPUS") or file.subtype.startswith("MPEG")
    if ends_within_header and len(audio) == 0:
        raise NotDecodedError(Fault.HEADER_ONLY, within_header)
    said = "" if unknown else f" of {promised}"
    if unknown and (len(audio) > longest_seconds * rate or audio.size > MOST_SAMPLES):
        longest = min(longest_seconds, MOST_SAMPLES / audio.shape[1] / rate)
        raise NotDecodedError(Fault.TOO_LONG, f"a stream of more than {longest:g} s{SPLIT_HINT}")
    if unknown and "seek" in error_words:  # that is how soundfile reports the end of such a stream
        error_words = ""
    if error_words and stream.tell() < len(content):
        raise NotDecodedError(Fault.GARBAGE, f"cannot be decoded after {len(audio)}{said} samples: {error_words}")
    if error_words or (not unknown and len(audio) < promised - (LOSSY_SLACK_SECONDS * rate if lossy else 0)):
        raise NotDecodedError(Fault.TRUNCATED, f"the file ends after {len(audio)}{said} samples")
    if len(audio) == 0:
        raise NotDecodedError(Fault.ZERO_SAMPLES, "the file is well formed, but has 0 samples")
    return Decoded(audio, rate)


def check_length(frames: int, rate: int, channels: int, longest_seconds: float) -> None:
    """Refuse a recording by what its header says.

    Raises:
        NotDecodedError: it is too long, or more than can be held in memory.
    """
    if frames > longest_seconds * rate:
        raise NotDecodedError(Fault.TOO_LONG, f"{frames / rate:.1f} s, more than {longest_seconds:g} s{SPLIT_HINT}")
    if frames * channels > MOST_SAMPLES:
        detail = f"{frames} samples in {channels} channel{'s' if channels > 1 else ''}, more than {MOST_SAMPLES} in all"
        raise NotDecodedError(Fault.TOO_LONG, detail)


def _read(file: soundfile.SoundFile, most: int) -> tuple[npt.NDArray[np.float32], str]:
    """Read at most so many frames; also says what stopped it, and then returns what came before."""
    blocks = []
    words = ""
    while most > 0 and not words:
        # soundfile does not say how many frames came before an error: those that are still NaN did not.
        block = np.full((min(most, max(1, BLOCK_SAMPLES // file.channels)), file.channels), np.nan, np.float32)
        try:
            read = len(file.read(out=block))
        except (soundfile.SoundFileError, OSError) as error:
            read, words = int(np.count_nonzero(~np.isnan(block[:, -1]))), words_of(error)
        blocks.append(block[:read])
        most = most - read if read == len(block) else 0
    if len(blocks) == 1:
        return blocks[0], words
    return np.concatenate([np.zeros((0, file.channels), np.float32), *blocks]), words


def words_of(error: Exception) -> str:
    """What a library says of a file, without its decoration."""
    return str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")


class _Stream(io.BytesIO):
    """Bytes in which a seek to before the beginning fails quietly, as it does in a file read from C."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self.tell() if whence == io.SEEK_SET and offset < 0 else super().seek(offset, whence)


_stderr_lock = threading.Lock()


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send the process's standard error to nowhere, for a library in C that prints there and cannot be told not to."""
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
