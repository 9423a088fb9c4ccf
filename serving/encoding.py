"""Audio formats of an answer, encoded while the audio is made.

OpenAI's: mp3, opus (in Ogg), aac (ADTS), flac, wav and pcm, all mono. The encoders are FFmpeg's, through PyAV; wav and
pcm are 16-bit samples. What ends later than it begins cannot tell its length: wav and flac give it as unknown.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import av
import numpy as np
from numpy.typing import NDArray

from data.audio_file import to_int16
from data.audio_writer import FORMATS, stream_resampler
from speaking.engine import Audio
from speaking.outputs import PcmOutput

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
LOWEST_RATE, HIGHEST_RATE = 8000, 48000  # in hertz, that a request may ask for

_MPEG_RATES = tuple(FORMATS[".mp3"].rates)


@dataclass(frozen=True)
class _Kind:
    media_type: str
    container: str = ""  # FFmpeg's names; none for what needs no encoder
    codec: str = ""
    bit_rate: int = 0  # per second
    rates: tuple[int, ...] = ()  # in hertz, ascending; empty for any
    options: Mapping[str, str] = field(default_factory=dict)  # of the container


_KINDS: Mapping[Format, _Kind] = {
    # A frame that tells the length would have to be written when the first frames are long sent.
    "mp3": _Kind("audio/mpeg", "mp3", "libmp3lame", 96_000, _MPEG_RATES, {"write_xing": "0"}),
    # Pages of a fifth of a second, in place of one: the first page is what a client waits for.
    "opus": _Kind("audio/ogg", "ogg", "libopus", 48_000, tuple(FORMATS[".opus"].rates), {"page_duration": "200000"}),
    "aac": _Kind("audio/aac", "adts", "aac", 96_000, _MPEG_RATES),
    "flac": _Kind("audio/flac", "flac", "flac"),
    "wav": _Kind("audio/wav"),
    "pcm": _Kind("audio/pcm"),
}


def encoded_rate(name: Format, rate_hz: int) -> int:
    """The rate of a format for audio of this rate, in hertz: the same, or the next that it has."""
    rates = _KINDS[name].rates
    return next((rate for rate in rates if rate >= rate_hz), rates[-1]) if rates else rate_hz


def media_type(name: Format, rate_hz: int) -> str:
    """What the header of an answer says of a format at a rate in hertz."""
    kind = _KINDS[name].media_type
    return f"{kind};rate={rate_hz};channels=1" if name == "pcm" else kind


class Encoder:
    """Encodes mono audio in chunks.

    Args:
        name: of the format.
        sample_rate: of the chunks, in hertz.
        rate_hz: of the result, one that the format has.
    """

    def __init__(self, name: Format, *, sample_rate: int, rate_hz: int) -> None:
        kind, self._rate_hz, self._sink = _KINDS[name], rate_hz, _Sink()
        self._pcm: PcmOutput | None = None
        if not kind.codec:
            sink = cast(io.BytesIO, self._sink)  # it is written to and flushed, nothing else
            self._pcm = PcmOutput(sink, sample_rate=sample_rate, rate_hz=rate_hz, header=name == "wav")
            self._pcm.__enter__()
            return
        self._resampler = stream_resampler(sample_rate, rate_hz)
        self._container = av.open(self._sink, "w", format=kind.container, options=dict(kind.options))
        stream: Any = self._container.add_stream(kind.codec, rate=rate_hz, layout="mono")
        if kind.bit_rate:
            stream.bit_rate = kind.bit_rate
        self._stream, self._samples = stream, 0

    def encode(self, chunk: Audio) -> bytes:
        """Encode a chunk, float [S], full scale at 1; returns what is ready, perhaps nothing."""
        if self._pcm is not None:
            self._pcm.write(chunk)
        else:
            self._encode(chunk if self._resampler is None else self._resampler.resample_chunk(chunk))
        return self._sink.taken()

    def finish(self) -> bytes:
        """The rest."""
        if self._pcm is not None:
            self._pcm.__exit__(None, None, None)
            return self._sink.taken()
        if self._resampler is not None:
            self._encode(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.taken()

    def _encode(self, audio: Audio) -> None:
        if len(audio):
            samples: NDArray[np.int16] = to_int16(audio)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = self._rate_hz, self._samples
            self._samples += len(audio)
            self._container.mux(self._stream.encode(frame))


class _Sink:
    """What encoders write to; it has no position to go back to."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        """What was written since the last time."""
        written, self._written = self._written, []
        return b"".join(written)
