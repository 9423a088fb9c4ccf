"""The answer to a request, as bytes that are made step by step: audio, server-sent events, or JSON with timestamps.

Server-sent events are OpenAI's `speech.audio.delta` and `speech.audio.done`, and our `speech.audio.timestamps` before
the audio of each sentence. JSON has the audio in base64 and the times of all sentences.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from configs import InputError
from serving.encoding import Encoder, Format, encoded_rate
from serving.voice_list import NamedVoice
from speaking.engine import Audio, SpeechSegment, SpokenSentence
from speaking.options import SpeakOptions
from speaking.timestamps import Timeline

Form = Literal["audio", "sse", "json"]

_SHORT_SECONDS = 10.0  # of a sentence that may be decoded at once: about what a slice of a worker's time decodes
_BASE64_BYTES = 3  # that four letters stand for


@dataclass
class Tally:
    """What has been made of an answer so far."""

    samples: int = 0
    sentences: int = 0


@dataclass(frozen=True)
class Speech:
    """What is to be said, and how it is sent."""

    named: NamedVoice
    text: str
    options: SpeakOptions
    format: Format
    form: Form = "audio"
    timestamps: bool = False
    rate_hz: int | None = None  # None is that of the voice
    max_audio_seconds: float = 1800.0
    tally: Tally = field(default_factory=Tally)
    # Short sentences are decoded at once where requests wait for a worker: chunks are a fifth more work.
    others_wait: Callable[[], bool] = lambda: False

    @property
    def audio_seconds(self) -> float:
        """Length of the audio that has been made so far."""
        return self.tally.samples / self.named.voice.sample_rate

    @property
    def encoded_rate(self) -> int:
        """Samples per second of what is sent, in hertz."""
        return encoded_rate(self.format, self.named.voice.sample_rate if self.rate_hz is None else self.rate_hz)

    def steps(self) -> Iterator[bytes]:
        """The answer in pieces, the first before the first sentence is decoded as a whole.

        Raises:
            InputError: the text cannot be said, as `Voice.say`, or would be too long.
        """
        return {"audio": self._audio, "sse": self._events, "json": self._json}[self.form]()

    def _encoder(self) -> Encoder:
        return Encoder(self.format, sample_rate=self.named.voice.sample_rate, rate_hz=self.encoded_rate)

    def _audio(self) -> Iterator[bytes]:
        encoder = self._encoder()
        for _, chunk in self._chunks():
            yield encoder.encode(chunk)
        yield encoder.finish()

    def _events(self) -> Iterator[bytes]:
        encoder, timeline = self._encoder(), Timeline(self.named.voice.sample_rate)
        known = 0
        for segment, chunk in self._chunks(timeline.record if self.timestamps else None):
            if self.timestamps and isinstance(segment, SpokenSentence) and self.tally.sentences > known:
                known = self.tally.sentences
                yield _event("speech.audio.timestamps", **asdict(timeline.timestamps.sentences[-1]))
            if encoded := encoder.encode(chunk):
                yield _event("speech.audio.delta", audio=base64.b64encode(encoded).decode())
        if encoded := encoder.finish():
            yield _event("speech.audio.delta", audio=base64.b64encode(encoded).decode())
        # A voice has no tokens; what it has are characters and the seconds of the audio.
        usage = {"input_tokens": len(self.text), "output_tokens": 0, "total_tokens": len(self.text)}
        yield _event("speech.audio.done", usage=usage, seconds=self.audio_seconds)

    def _json(self) -> Iterator[bytes]:
        encoder, timeline = self._encoder(), Timeline(self.named.voice.sample_rate)
        head = {"voice": self.named.name, "format": self.format, "sample_rate": self.encoded_rate}
        start = f'{json.dumps(head)[:-1]}, "audio": "'.encode()  # goes out once there is something to say
        waiting = b""  # fewer bytes than base64 can end with
        for _, chunk in self._chunks(timeline.record):
            encoded = waiting + encoder.encode(chunk)
            whole = len(encoded) - len(encoded) % _BASE64_BYTES
            waiting = encoded[whole:]
            yield start + base64.b64encode(encoded[:whole])
            start = b""
        yield base64.b64encode(waiting + encoder.finish())
        yield f'", {json.dumps(asdict(timeline.timestamps), ensure_ascii=False)[1:]}'.encode()

    def _chunks(
        self, record: Callable[[Iterator[SpeechSegment]], Iterator[SpeechSegment]] | None = None
    ) -> Iterator[tuple[SpeechSegment, Audio]]:
        voice = self.named.voice
        most = round(self.max_audio_seconds * voice.sample_rate)
        options: Any = {"longest_silence_seconds": self.max_audio_seconds, **self.options}
        segments = voice.say(self.text, **options)
        for segment in segments if record is None else record(segments):
            self.tally.sentences += isinstance(segment, SpokenSentence)
            if self.tally.samples + segment.samples > most:
                raise InputError(f"the audio would be longer than {self.max_audio_seconds:g} s: shorten the text")
            at_once = segment.samples <= _SHORT_SECONDS * voice.sample_rate and self.others_wait()
            for chunk in (segment.whole(),) if at_once else segment.chunks():
                self.tally.samples += len(chunk)
                yield segment, chunk


def _event(kind: str, **content: object) -> bytes:
    return f"data: {json.dumps({'type': kind, **content}, ensure_ascii=False)}\n\n".encode()
