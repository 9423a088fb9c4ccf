"""The wyoming client, which Home Assistant uses, is told who speaks and hears it, whole or sentence by sentence."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data.audio_file import to_int16
from serving.voice_list import VoiceList
from tests.clients.exported_voice import SENTENCE, TEXT
from tests.serving.running import SECONDS, Running, gated, running, until

pytest.importorskip("wyoming", reason="wyoming is not installed")

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)


def converse(port: int, events: Sequence[Eventable], *, until_type: str) -> list[Event]:
    """Send events, and return what comes until an event of this type or the end of the connection."""

    async def talk() -> list[Event]:
        async with AsyncTcpClient("127.0.0.1", port, connect_timeout=SECONDS, read_timeout=SECONDS) as client:
            for event in events:
                await client.write_event(event.event())
            heard: list[Event] = []
            while (answer := await client.read_event()) is not None:
                heard.append(answer)
                if answer.type in (until_type, "error"):
                    break
            return heard

    return asyncio.run(talk())


def pcm(events: Sequence[Event]) -> bytes:
    return b"".join(AudioChunk.from_event(event).audio for event in events if AudioChunk.is_type(event.type))


def quiet(voices: VoiceList) -> VoiceList:
    """The choir, which draws no noise unless it is asked to: Wyoming has no field for a seed."""
    named = voices.voices["choir"]
    speaking = named.voice.config.speaking.model_copy(update={"noise_scale": 0.0, "duration_noise_scale": 0.0})
    voice = type(named.voice).__new__(type(named.voice))
    vars(voice).update(vars(named.voice), config=named.voice.config.model_copy(update={"speaking": speaking}))
    return VoiceList({"choir": replace(named, voice=voice)})


def said(voices: VoiceList, text: str, speaker: str = "ann", **options: Any) -> bytes:
    stream = voices.voices["choir"].voice.stream(text, speaker=speaker, **options)
    return to_int16(np.concatenate(list(stream))).astype("<i2").tobytes()


def test_the_description_has_what_home_assistant_reads(server: Running) -> None:
    (answer,) = converse(server.wyoming_port, [Describe()], until_type="info")
    (program,) = Info.from_event(answer).tts
    assert program.installed
    assert program.supports_synthesize_streaming
    assert program.attribution.name
    assert program.attribution.url
    assert program.version == "0.1.0"
    by_name = {voice.name: voice for voice in program.voices}
    assert set(by_name) == {"reader", "choir", "graph"}
    for voice in program.voices:
        assert voice.installed
        assert voice.languages == ["en_US"]
        assert voice.attribution.name
        assert voice.version == "0.1.0"
    assert [speaker.name for speaker in by_name["choir"].speakers or ()] == ["ann", "bob", "cem"]
    assert by_name["reader"].speakers is None
    (pong,) = converse(server.wyoming_port, [Ping(text="hello")], until_type="pong")
    assert Pong.from_event(pong).text == "hello"


def test_a_text_is_heard_whole_and_is_the_audio_of_the_voice(voices: VoiceList) -> None:
    calm = quiet(voices)
    with running(calm) as server:
        for voice, speaker in ((None, "ann"), (SynthesizeVoice(name="choir", speaker="bob"), "bob")):
            events = converse(server.wyoming_port, [Synthesize(text=TEXT, voice=voice)], until_type="audio-stop")
            start = AudioStart.from_event(events[0])
            assert (start.rate, start.width, start.channels) == (22050, 2, 1)
            assert {event.type for event in events[1:-1]} == {"audio-chunk"}
            assert AudioStop.is_type(events[-1].type)
            assert pcm(events) == said(calm, TEXT, speaker)
        ssml = '<speak>Hi. <break time="1s"/> You.</speak>'
        asked = Synthesize(text=ssml, text_format=SynthesizeTextFormat.SSML)
        assert pcm(converse(server.wyoming_port, [asked], until_type="audio-stop")) == said(calm, ssml, ssml=True)
        by_language = Synthesize(text="Hi.", voice=SynthesizeVoice(language="en_US"))
        assert pcm(converse(server.wyoming_port, [by_language], until_type="audio-stop")) == said(calm, "Hi.")


def test_a_text_in_pieces_is_heard_sentence_by_sentence(voices: VoiceList) -> None:
    calm = quiet(voices)
    pieces = ["Good mor", "ning, doctor. How", " are you? I am", " well."]
    asked: list[Eventable] = [
        SynthesizeStart(voice=SynthesizeVoice(name="choir", speaker="cem")),
        *(SynthesizeChunk(text=piece) for piece in pieces),
        Synthesize(text="".join(pieces)),  # for servers that know no pieces
        SynthesizeStop(),
    ]
    with running(calm) as server:
        events = converse(server.wyoming_port, asked, until_type="synthesize-stopped")
    assert SynthesizeStopped.is_type(events[-1].type)
    kinds = [event.type for event in events]
    assert kinds.count("audio-start") == kinds.count("audio-stop") == 3
    sentences = ["Good morning, doctor.", "How are you?", "I am well."]
    assert pcm(events) == b"".join(said(calm, sentence, "cem") for sentence in sentences)


def test_the_first_sentence_is_heard_before_the_last_piece_is_sent(server: Running) -> None:
    async def talk() -> str:
        async with AsyncTcpClient("127.0.0.1", server.wyoming_port, read_timeout=SECONDS) as client:
            await client.write_event(SynthesizeStart().event())
            await client.write_event(SynthesizeChunk(text="Good morning, doctor. How are").event())
            first = await client.read_event()
            return "" if first is None else first.type

    assert asyncio.run(talk()) == "audio-start"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Synthesize(text="Hi.", voice=SynthesizeVoice(name="../reader")), "voice_not_found"),
        (Synthesize(text="Hi.", voice=SynthesizeVoice(language="de")), "language_not_found"),
        (Synthesize(text="Hi.", voice=SynthesizeVoice(name="choir", speaker="dora")), "cannot_be_spoken"),
        (Synthesize(text=""), "empty_text"),
        (Synthesize(text="..."), "cannot_be_spoken"),
        (Synthesize(text="a" * 5000), "string_above_max_length"),
        (Event("synthesize", {}), "invalid_event"),
        (Event("synthesize", {"text": 5}), "invalid_event"),
        (Event("synthesize", {"text": "Hi.", "voice": 5}), "invalid_event"),
        (Event("synthesize", {"text": "Hi.", "voice": {"name": 5}}), "invalid_event"),
        (Event("synthesize-chunk", {"text": None}), "invalid_event"),
        (SynthesizeChunk(text="Hi."), "invalid_event"),
    ],
)
def test_an_error_is_told_and_the_connection_goes_on(server: Running, event: Any, code: str) -> None:
    class Plain(Eventable):
        def event(self) -> Event:
            return event if isinstance(event, Event) else event.event()

        @staticmethod
        def is_type(_: str) -> bool:
            return False

        @staticmethod
        def from_event(_: Event) -> "Plain":
            return Plain()

    async def talk() -> list[Event | None]:
        async with AsyncTcpClient("127.0.0.1", server.wyoming_port, read_timeout=SECONDS) as client:
            await client.write_event(Plain().event())
            error = await client.read_event()
            await client.write_event(Ping().event())
            return [error, await client.read_event()]

    error, after = asyncio.run(talk())
    assert error is not None
    assert Error.from_event(error).code == code
    assert after is not None
    assert after.type == "pong"


@pytest.mark.parametrize(
    "content",
    [
        b"hello\n",
        b"[]\n",
        b"{}\n",
        b"\xff\n",
        b'{"type": 5}\n{"type": "synthesize", "data_length": 99999999999}\n',
        b'{"type": "synthesize", "data_length": "x"}\n',
        b'{"type": "synthesize", "payload_length": -1, "data": []}\n',
        b"[" * 60_000 + b"\n",
        b"x" * 200_000,
    ],
)
def test_what_is_no_event_ends_only_its_own_connection(server: Running, content: bytes) -> None:
    async def talk() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.wyoming_port)
        writer.write(content)
        writer.write_eof()
        writer.close()

    asyncio.run(talk())
    assert converse(server.wyoming_port, [Describe()], until_type="info")
    assert converse(server.wyoming_port, [Synthesize(text=SENTENCE)], until_type="audio-stop")[-1].type == "audio-stop"


def test_a_client_that_leaves_frees_the_worker(voices: VoiceList) -> None:
    listed, voice = gated(voices)
    with running(listed, workers=1) as server:

        async def leave() -> None:
            client = AsyncTcpClient("127.0.0.1", server.wyoming_port)
            await client.connect()
            await client.write_event(Synthesize(text=SENTENCE).event())
            await asyncio.to_thread(voice.begun.acquire)
            await client.disconnect()

        asyncio.run(leave())
        voice.gate.set()
        until(lambda: server.metric("parlance_requests_total", status="499") == 1)
        until(lambda: server.metric("parlance_busy_workers") == 0)
        assert converse(server.wyoming_port, [Synthesize(text="Hi.")], until_type="audio-stop")[-1].type == "audio-stop"
