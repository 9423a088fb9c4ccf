"""Outputs of audio: a file, a stream of 16-bit samples, or a program that plays them."""

import argparse
import contextlib
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, BinaryIO, Protocol, cast

import numpy as np

from configs import InputError
from data.audio_file import to_int16
from data.audio_writer import AudioWriter, stream_resampler
from speaking.command_line import STANDARD_OUTPUT
from speaking.engine import Audio, Silence, SpeechSegment

# Programs that play what they read; macOS's afplay reads files only.
_PLAYERS = {
    "aplay": "-q -t raw -f S16_LE -c 1 -r {rate} -",
    "play": "-q -t raw -e signed -b 16 -c 1 -r {rate} -",
    "ffplay": "-loglevel error -nodisp -autoexit -f s16le -ar {rate} -i -",
}
_UNKNOWN_SIZE = 0xFFFFFFFF  # what a wav header says of a stream that has not ended


class Output(AbstractContextManager[Any, None], Protocol):
    """Receives audio in chunks, such as data.audio_writer.AudioWriter."""

    rate_hz: int  # of the output

    def write(self, chunk: Audio) -> None:
        """Receive the next chunk, [S]."""
        ...


def open_output(arguments: argparse.Namespace, sample_rate: int) -> Output:
    """The output that the arguments ask for: a file, standard output, or a player.

    Raises:
        InputError: it cannot be opened.
    """
    if arguments.output is None and arguments.stream:
        return Player(sample_rate=sample_rate, rate_hz=arguments.rate)
    if arguments.output != STANDARD_OUTPUT:
        return AudioWriter(arguments.output or "speech.wav", sample_rate=sample_rate, rate_hz=arguments.rate)
    if sys.stdout.isatty():
        raise InputError("standard output is a terminal: pipe the samples on, as in -o - | aplay -f S16_LE -r 22050")
    output = PcmOutput(sys.stdout.buffer, sample_rate=sample_rate, rate_hz=arguments.rate, header=arguments.wav_header)
    print(f"16-bit little-endian mono at {output.rate_hz} Hz", file=sys.stderr, flush=True)
    return output


def write_segments(segments: Iterable[SpeechSegment], output: Output, *, stream: bool) -> int:
    """Write segments to an output: a sentence at a time or, streaming, a chunk at a time.

    Returns:
        The number of samples.
    """
    samples = 0
    with output:
        for segment in segments:
            for audio in segment.chunks() if stream or isinstance(segment, Silence) else (segment.whole(),):
                output.write(audio)
            samples += segment.samples
    return samples


class PcmOutput:
    """Writes chunks to a stream as they come, as signed 16-bit little-endian mono.

    Args:
        stream: where to.
        sample_rate: of the chunks, in hertz.
        rate_hz: of the stream; None for the same.
        header: whether a wav header goes first, which gives the length as unknown.

    Raises:
        InputError: the audio has samples that are NaN or infinite.
    """

    def __init__(self, stream: BinaryIO, *, sample_rate: int, rate_hz: int | None = None, header: bool = False) -> None:
        self.stream, self.rate_hz, self._header = stream, sample_rate if rate_hz is None else rate_hz, header
        self._resampler = stream_resampler(sample_rate, self.rate_hz)

    def __enter__(self) -> "PcmOutput":
        if self._header:
            self.stream.write(_wav_header(self.rate_hz))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.write(np.zeros(0, np.float32), last=True)

    def write(self, chunk: Audio, *, last: bool = False) -> None:
        """Send a chunk, float [S], full scale at 1."""
        if not np.isfinite(chunk).all():
            raise InputError("the audio has samples that are NaN or infinite: train the voice again from a good step")
        if self._resampler is not None:
            chunk = self._resampler.resample_chunk(chunk, last=last)
        self.stream.write(to_int16(chunk).astype("<i2").tobytes())
        self.stream.flush()


class Player(PcmOutput):
    """Plays chunks through the first player program that is installed.

    Raises:
        InputError: there is none, or it fails.
    """

    def __init__(self, *, sample_rate: int, rate_hz: int | None = None) -> None:
        program = next(filter(shutil.which, _PLAYERS), None)
        if program is None:
            raise InputError(
                f"no program to play with was found ({', '.join(_PLAYERS)}): install ffmpeg, alsa-utils or sox, or "
                f"write to standard output with -o - or to a file with -o FILE"
            )
        options = _PLAYERS[program].format(rate=sample_rate if rate_hz is None else rate_hz)
        self._program, self._process = program, subprocess.Popen([program, *options.split()], stdin=subprocess.PIPE)
        assert self._process.stdin is not None
        super().__init__(cast(BinaryIO, self._process.stdin), sample_rate=sample_rate, rate_hz=rate_hz)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until playback has ended."""
        if kind not in (None, BrokenPipeError):
            self._process.kill()
        with contextlib.suppress(BrokenPipeError):  # the program has ended, and its code says whether well
            super().__exit__(kind, error, trace)
            self.stream.close()
        if self._process.wait() > 0:
            raise InputError(f"{self._program} could not play the audio: write it to a file with -o FILE") from error


def _wav_header(rate_hz: int) -> bytes:
    format_chunk = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", _UNKNOWN_SIZE, b"WAVE")
        + format_chunk
        + struct.pack("<4sI", b"data", _UNKNOWN_SIZE)
    )
