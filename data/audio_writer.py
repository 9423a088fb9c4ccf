"""Writing mono audio files, whole or in chunks, as 16-bit PCM or compressed.

soundfile silently accepts NaN, empty audio and a full disk; these are refused here.
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

# Passed to an encoder at once: Vorbis chooses its windows by this, and crashes on minutes of audio.
_BLOCK_SAMPLES = 1 << 14


@dataclass(frozen=True)
class _Format:
    """A file format."""

    container: str  # soundfile's name
    subtype: str
    rates: tuple[int, ...] | range = range(LOWEST_RATE, HIGHEST_RATE + 1)  # in hertz, ascending
    most_samples: int = 1 << 62

    def rate_for(self, wanted: int) -> int:
        """The lowest supported rate that is at least the wanted one, or else the highest."""
        return next((rate for rate in self.rates if rate >= wanted), self.rates[-1])


FORMATS = {
    ".wav": _Format("WAV", "PCM_16", most_samples=(1 << 31) - 64),  # the header's sizes, in bytes, have 32 bits
    ".flac": _Format("FLAC", "PCM_16"),
    ".mp3": _Format("MP3", "MPEG_LAYER_III", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)),
    ".ogg": _Format("OGG", "VORBIS", range(LOWEST_RATE, 192001)),  # libvorbis crashes on more than 200 kHz
    ".opus": _Format("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000)),
}


def write_audio(
    path: str | Path, audio: npt.NDArray[np.float32], *, sample_rate: int, rate_hz: int | None = None
) -> int:
    """Write a whole waveform, float [S], as `AudioWriter`; returns the sample rate of the file, in hertz."""
    with AudioWriter(path, sample_rate=sample_rate, rate_hz=rate_hz) as writer:
        writer.write(audio)
    return writer.rate_hz


def stream_resampler(sample_rate: int, rate_hz: int) -> soxr.ResampleStream | None:
    """A resampler of mono float32 chunks between two rates in hertz; None if they are equal."""
    return None if rate_hz == sample_rate else soxr.ResampleStream(sample_rate, rate_hz, 1, "float32", "VHQ")


class AudioWriter:
    """Writes mono audio in chunks, in constant memory: `with AudioWriter(...) as writer:`.

    The suffix of the path selects the format: `.wav` and `.flac` with 16 bits, `.mp3`, `.ogg` (Vorbis) or `.opus`.
    Samples outside [-1, 1) are clipped. The chunking does not change the samples. The file appears when the block ends;
    after an error nothing is left, and an existing file is untouched.

    Not every format supports every rate: opus has 8, 12, 16, 24 and 48 kHz, mp3 nine from 8 to 48 kHz, Vorbis all up to
    192 kHz. Audio at an unsupported rate is resampled to the next higher one (22 050 Hz to 24 000 in opus), or the
    highest.

    Args:
        path: the file; its folder must exist.
        sample_rate: samples per second of the chunks, in hertz.
        rate_hz: samples per second of the file; None for the same. Resampling is by soxr, VHQ.

    Attributes:
        rate_hz: samples per second of the file.

    Raises:
        InputError: the suffix is unknown, the folder does not exist, a rate is out of range, the file cannot be
            written, or the audio is empty, too long for a wav, or has NaN or infinite samples.
    """

    def __init__(self, path: str | Path, *, sample_rate: int, rate_hz: int | None = None) -> None:
        self.path = _writable(Path(path))
        wanted = sample_rate if rate_hz is None else rate_hz
        for rate in (sample_rate, wanted):
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise InputError(
                    f"{path}: cannot be written at {rate} Hz: give a rate from {LOWEST_RATE} to {HIGHEST_RATE} Hz"
                )
        self._format = FORMATS[self.path.suffix.lower()]
        self.rate_hz = self._format.rate_for(wanted)
        self._resampler = stream_resampler(sample_rate, self.rate_hz)
        self._waiting = np.zeros(0, np.float32)  # less than a block
        self._samples = 0  # encoded
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
        """Opens, finishes and replaces the file; chunks are written while it yields."""
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
    """A file that soundfile writes to, which keeps errors of the disk; soundfile would print them and continue."""

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
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"{path}: {path.suffix or 'a name without suffix'} is no kind of audio that can be written: end the name in"
            f" {', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}"
        )
    if path.is_dir():
        raise InputError(f"{path}: is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist: create it, or choose another place")
    return path
