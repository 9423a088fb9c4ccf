"""Speech to disk: a mono waveform, whole or as it comes, in 16 bits or compressed.

soundfile accepts a good deal in silence (NaN, nothing at all, a full disk); what listening could suffer from is refused
here, by the name of the file.
"""

import contextlib
import io
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from configs import InputError
from configs.atomic_file import replacing
from configs.speaking import HIGHEST_RATE, LOWEST_RATE
from data.audio_file import to_int16

# Handed to an encoder at once: Vorbis chooses its windows by how much it is given, and crashes on minutes.
_BLOCK_SAMPLES = 1 << 14


@dataclass(frozen=True)
class _Format:
    """One kind of file that can be written."""

    container: str  # as soundfile calls it
    subtype: str
    rates: tuple[int, ...] | range = range(LOWEST_RATE, HIGHEST_RATE + 1)  # in hertz, rising
    most_samples: int = 1 << 62

    def rate_for(self, wanted: int) -> int:
        """The lowest rate that loses nothing of the wanted one, or the highest."""
        return next((rate for rate in self.rates if rate >= wanted), self.rates[-1])


_FORMATS = {
    ".wav": _Format("WAV", "PCM_16", most_samples=(1 << 31) - 64),  # the header's sizes, in bytes, have 32 bits
    ".flac": _Format("FLAC", "PCM_16"),
    ".mp3": _Format("MP3", "MPEG_LAYER_III", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)),
    ".ogg": _Format("OGG", "VORBIS", range(LOWEST_RATE, 192001)),  # libvorbis crashes on more than 200 kHz
    ".opus": _Format("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000)),
}


def write_audio(
    path: str | Path, audio: npt.NDArray[np.float32], *, sample_rate: int, rate_hz: int | None = None
) -> int:
    """Write a whole waveform: an `AudioWriter` that is given one chunk, float [S].

    Returns:
        The rate that the file got, in hertz.
    """
    with AudioWriter(path, sample_rate=sample_rate, rate_hz=rate_hz) as writer:
        writer.write(audio)
    return writer.rate_hz


def stream_resampler(sample_rate: int, rate_hz: int) -> soxr.ResampleStream | None:
    """Brings mono float32 chunks from one rate to another, in hertz, as the whole would be; None for the same rate."""
    return None if rate_hz == sample_rate else soxr.ResampleStream(sample_rate, rate_hz, 1, "float32", "VHQ")


class AudioWriter:
    """Writes mono audio that comes in chunks, in memory that does not grow: `with AudioWriter(...) as writer:`.

    The suffix of the path chooses the format: `.wav` and `.flac` of 16 bits, `.mp3`, `.ogg` (Vorbis) or `.opus`.
    Samples outside [-1, 1) are clipped, never wrapped. However the audio is cut into chunks, the file has the same
    samples. It appears when the block has ended well; after an error nothing is left, and what was there is untouched.

    Not every format has every rate: opus has 8, 12, 16, 24 and 48 kHz, mp3 nine from 8 to 48 kHz, Vorbis all up to
    192 kHz. A file whose rate does not exist gets the next higher one, which loses nothing (22 050 Hz become 24 000 in
    opus), or the highest.

    Args:
        path: the file to write; its folder must exist.
        sample_rate: samples per second of the chunks, in hertz.
        rate_hz: samples per second of the file; None for the same. Resampling is soxr's, VHQ.

    Attributes:
        rate_hz: the rate that the file gets.

    Raises:
        InputError: the suffix is not known, the folder does not exist, a rate is out of range, the file cannot be
            written, or the audio has no samples, more than a wav can hold, or some that are NaN or infinite.
    """

    def __init__(self, path: str | Path, *, sample_rate: int, rate_hz: int | None = None) -> None:
        self.path = _writable(Path(path))
        wanted = sample_rate if rate_hz is None else rate_hz
        for rate in (sample_rate, wanted):
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise InputError(
                    f"{path}: cannot be written at {rate} Hz: give a rate from {LOWEST_RATE} to {HIGHEST_RATE} Hz"
                )
        self._format = _FORMATS[self.path.suffix.lower()]
        self.rate_hz = self._format.rate_for(wanted)
        self._resampler = stream_resampler(sample_rate, self.rate_hz)
        self._waiting = np.zeros(0, np.float32)  # less than a block
        self._samples = 0  # that the encoder has been given
        self._writing = self._write_file()

    def __enter__(self) -> "AudioWriter":
        next(self._writing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            next(self._writing, None)
        else:
            self._writing.close()

    def write(self, chunk: npt.NDArray[np.float32]) -> None:
        """Append a chunk, float [S], full scale at 1, S >= 0.

        Raises:
            InputError: as the class.
        """
        if chunk.ndim != 1:
            raise ValueError(f"a chunk of the shape {chunk.shape} is not mono audio")
        if not np.isfinite(chunk).all():
            raise InputError(f"{self.path}: not written, because the audio has samples that are NaN or infinite")
        chunk = chunk.astype(np.float32, copy=False)
        self._encode(chunk if self._resampler is None else self._resampler.resample_chunk(chunk))

    def _write_file(self) -> Generator[None]:
        """The life of the file; chunks are written while it yields."""
        with replacing(self.path) as file:
            self._sink = _Sink(file)
            with self._refusing_failures(), self._encoder() as self._file:
                yield
                if self._resampler is not None:
                    self._encode(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
                self._encode_block(self._waiting)
                if self._samples == 0:
                    raise InputError(f"{self.path}: not written, because the audio has no samples")

    def _encoder(self) -> soundfile.SoundFile:
        kind = self._format
        return soundfile.SoundFile(self._sink, "w", self.rate_hz, 1, kind.subtype, format=kind.container)

    def _encode(self, audio: npt.NDArray[np.float32]) -> None:
        waiting = np.concatenate([self._waiting, audio])
        whole = len(waiting) - len(waiting) % _BLOCK_SAMPLES
        for start in range(0, whole, _BLOCK_SAMPLES):
            self._encode_block(waiting[start : start + _BLOCK_SAMPLES])
        self._waiting = waiting[whole:]

    def _encode_block(self, block: npt.NDArray[np.float32]) -> None:
        self._samples += len(block)
        if self._samples > self._format.most_samples:
            raise InputError(f"{self.path}: not written, because a wav of more than 4 GiB cannot be: write a flac")
        with self._refusing_failures():
            self._file.write(to_int16(block) if self._format.subtype == "PCM_16" else block.clip(-1, 1))

    @contextlib.contextmanager
    def _refusing_failures(self) -> Iterator[None]:
        try:
            yield
        except (soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that everything was written
            raise self._cannot(self._sink.failure or error) from error
        if self._sink.failure is not None:
            raise self._cannot(self._sink.failure)

    def _cannot(self, why: Exception) -> InputError:
        reason = getattr(why, "strerror", None) or why
        return InputError(f"{self.path}: cannot be written ({reason}); what was there is untouched")


class _Sink:
    """A file that soundfile writes to. soundfile would print an error of the disk and go on; here it is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:
        return self._keeping_failure(lambda: self._file.write(data))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._keeping_failure(lambda: self._file.seek(offset, whence))

    def tell(self) -> int:
        return self._keeping_failure(self._file.tell)

    def _keeping_failure(self, operation: Callable[[], int]) -> int:
        try:
            return operation()
        except OSError as error:
            self.failure = error
            return 0


def _writable(path: Path) -> Path:
    if path.suffix.lower() not in _FORMATS:
        raise InputError(
            f"{path}: {path.suffix or 'a name without suffix'} is no kind of audio that can be written: end the name in"
            f" {', '.join(list(_FORMATS)[:-1])} or {list(_FORMATS)[-1]}"
        )
    if path.is_dir():
        raise InputError(f"{path}: is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist: create it, or choose another place")
    return path
