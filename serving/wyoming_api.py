"""Wyoming over TCP, the protocol of Home Assistant's voices (github.com/OHF-Voice/wyoming).

`describe` is answered by `info`; `synthesize` by `audio-start`, `audio-chunk`s and `audio-stop`; a text that comes in
pieces, between `synthesize-start` and `synthesize-stop`, by the same for each sentence as soon as it is whole, and then
`synthesize-stopped`. An error is an `error` event, after which the connection goes on.
"""

import asyncio
import contextlib
import socket
from typing import cast

from sentence_stream import SentenceBoundaryDetector
from wyoming import tts
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.ping import Ping, Pong

from configs import InputError
from configs.command_line import version
from serving.http_api import Service
from serving.observing import LOGGER
from serving.requests import ApiError, check_text, find_voice
from serving.settings import ServingSettings
from serving.speech import Speech
from serving.voice_list import VoiceList
from speaking.options import SpeakOptions

_IDLE_SECONDS = 300.0  # that a client may say nothing
_LINE_BYTES = 1 << 16
_CHUNK_BYTES = 4096  # of samples in one event
_MOST_EVENTS = 64  # that were read and not yet handled
_PARLANCE = Attribution(name="Parlance", url="https://arxiv.org/abs/2106.06103")


class WyomingServer:
    """Accepts connections of Wyoming.

    Args:
        service: what it serves.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Serve on an open socket."""
        self._server = await asyncio.start_server(self._connected, sock=listening, limit=_LINE_BYTES)

    async def stop(self, seconds: float) -> None:
        """Accept no more, and wait as long as this for what is being said."""
        if self._server is None:
            return
        self._server.close()
        deadline = asyncio.get_running_loop().time() + seconds
        while any(connection.get_name() == _SPEAKING for connection in self._connections):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.05)
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._service.settings.connections:
            writer.transport.abort()
            return
        conversation = _Conversation(self._service, writer)
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        speaking = asyncio.create_task(conversation.speak(task))
        try:
            await _read_events(_BoundedReader(reader, self._service.settings), conversation.events)
        except (OSError, EOFError, _InvalidEventError):
            pass  # it has left, or what it sent is no event: either way the connection ends
        finally:
            self._connections.discard(task)
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await speaking
            writer.transport.abort()


_SPEAKING, _LISTENING = "wyoming: speaking", "wyoming: listening"  # names of the tasks of connections


class _BoundedReader:
    """What `async_read_event` reads from: no more bytes, and no longer, than the settings allow."""

    def __init__(self, reader: asyncio.StreamReader, settings: ServingSettings) -> None:
        self._reader, self._most, self._seconds = reader, settings.max_body_bytes, settings.receive_seconds

    async def readline(self) -> bytes:
        """The line that begins an event."""
        async with asyncio.timeout(_IDLE_SECONDS):
            return await self._reader.readline()

    async def readexactly(self, count: int) -> bytes:
        """What belongs to an event.

        Raises:
            ValueError: it is too large.
        """
        if not 0 <= count <= self._most:
            raise ValueError(f"an event has {count} bytes, more than {self._most}")
        async with asyncio.timeout(self._seconds):
            return await self._reader.readexactly(count)


class _InvalidEventError(Exception):
    """What was sent is no event, or not as its kind should be."""


async def _read_events(reader: _BoundedReader, events: "asyncio.Queue[Event]") -> None:
    while (event := await _read_event(reader)) is not None:
        await events.put(event)


async def _read_event(reader: _BoundedReader) -> Event | None:
    try:
        return await async_read_event(cast(asyncio.StreamReader, reader))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:  # the library checks nothing
        raise _InvalidEventError(repr(error)) from error


_KINDS = (Describe, Ping, tts.Synthesize, tts.SynthesizeStart, tts.SynthesizeChunk, tts.SynthesizeStop)


def _parsed(event: Event) -> Eventable | None:
    """What an event says; None for one that no answer is for."""
    kind = next((kind for kind in _KINDS if kind.is_type(event.type)), None)
    if kind is None:
        return None
    try:
        parsed = kind.from_event(event)
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # the library checks nothing
        raise _InvalidEventError(f"{event.type} is not as it should be: {error!r}") from error
    voice = getattr(parsed, "voice", None)
    text, names = getattr(parsed, "text", ""), [] if voice is None else list(vars(voice).values())
    if not isinstance(text, str | None if kind is Ping else str) or not all(
        isinstance(name, str | None) for name in names
    ):
        raise _InvalidEventError(f"{event.type} is not as it should be: texts and names are strings")
    return parsed


class _Conversation:
    """Answers the events of one connection, in their order."""

    def __init__(self, service: Service, writer: asyncio.StreamWriter) -> None:
        self._service, self._writer = service, writer
        self.events: asyncio.Queue[Event] = asyncio.Queue(_MOST_EVENTS)
        self._sentences: SentenceBoundaryDetector | None = None  # within a text that comes in pieces
        self._asked: tts.SynthesizeStart | None = None
        self._characters = 0

    async def speak(self, connection: "asyncio.Task[None]") -> None:
        """Answer until cancelled; the connection's task is named after what is done."""
        try:
            while True:
                event = await self.events.get()
                connection.set_name(_SPEAKING)
                error = await self._attempt(event)
                if error is not None:
                    await self._write(error)
                connection.set_name(_LISTENING)
        except OSError:  # the client has left
            connection.cancel()
        except Exception:  # a fault of ours, which nobody waits for
            LOGGER.exception("wyoming")
            connection.cancel()

    async def _attempt(self, event: Event) -> Error | None:
        try:
            await self._answer(_parsed(event))
        except TimeoutError:
            return Error(text="it took too long", code="timeout")
        except (ApiError, InputError) as error:
            code = error.code if isinstance(error, ApiError) else None
            return Error(text=str(error), code=code or "cannot_be_spoken")
        except _InvalidEventError as error:
            return Error(text=str(error), code="invalid_event")
        return None

    async def _answer(self, said: Eventable | None) -> None:
        if isinstance(said, Describe):
            await self._write(describe(self._service.voices))
        elif isinstance(said, Ping):
            await self._write(Pong(text=said.text))
        elif isinstance(said, tts.Synthesize):
            if self._sentences is None:  # else it repeats the pieces, for servers that know no pieces
                await self._say(said.text, said.voice, ssml=said.text_format == tts.SynthesizeTextFormat.SSML)
        elif isinstance(said, tts.SynthesizeStart):
            self._asked, self._sentences = said, SentenceBoundaryDetector()
            self._characters = 0
        elif isinstance(said, tts.SynthesizeChunk):
            await self._add(said.text)
        elif isinstance(said, tts.SynthesizeStop):
            await self._finish()

    async def _add(self, text: str) -> None:
        """Say what is whole with another piece of the text."""
        if self._sentences is None or self._asked is None:
            raise _InvalidEventError("synthesize-start comes first")
        self._characters += len(text)
        if self._characters > self._service.settings.max_characters:
            most = self._service.settings.max_characters
            raise ApiError(400, f"the text has more than {most} characters: shorten it", code="too-long")
        for sentence in self._sentences.add_chunk(text):
            await self._say_part(sentence)

    async def _finish(self) -> None:
        sentences, self._sentences = self._sentences, None
        try:
            if sentences is not None:
                await self._say_part(sentences.finish())
        finally:
            await self._write(tts.SynthesizeStopped())

    async def _say_part(self, sentence: str) -> None:
        assert self._asked is not None
        if any(map(str.isalnum, sentence)):
            await self._say(sentence, self._asked.voice, ssml=False)

    async def _say(self, text: str, voice: tts.SynthesizeVoice | None, *, ssml: bool) -> None:
        settings = self._service.settings
        asked = voice or tts.SynthesizeVoice()
        named, speaker = find_voice(self._service.voices, asked.name, asked.language)
        check_text(text, settings, param="text")
        options = SpeakOptions(speaker=asked.speaker or speaker, ssml=ssml)
        speech = Speech(named, text, options, "pcm", max_audio_seconds=settings.max_audio_seconds)
        job, answered = self._service.submit("wyoming", speech)
        form = {"rate": named.voice.sample_rate, "width": 2, "channels": 1}
        try:
            async with asyncio.timeout(settings.request_seconds):
                async for piece in job:
                    if piece and answered.first_seconds is None:
                        answered.begin()
                        await self._write(AudioStart(**form))
                    for start in range(0, len(piece), _CHUNK_BYTES):
                        await self._write(AudioChunk(audio=piece[start : start + _CHUNK_BYTES], **form))
                await self._write(AudioStop())
        except BaseException as error:
            answered.status = 400 if isinstance(error, InputError) else 499
            answered.error = str(error)
            raise
        finally:
            job.cancel()
            self._service.done(answered, job)

    async def _write(self, event: Eventable) -> None:
        await async_write_event(event.event(), self._writer)


def describe(voices: VoiceList) -> Info:
    """What Home Assistant shows and offers."""
    spoken = [
        TtsVoice(
            name=one.name,
            attribution=_PARLANCE,
            installed=True,
            description=f"{one.name} ({one.language.name_english})",
            version=version(),
            languages=[one.language.code],
            speakers=[TtsVoiceSpeaker(name=name) for name in one.speakers] or None,
        )
        for one in voices
    ]
    program = TtsProgram(
        name="parlance",
        attribution=_PARLANCE,
        installed=True,
        description="VITS voices of Parlance",
        version=version(),
        voices=spoken,
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])
