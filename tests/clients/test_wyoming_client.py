"""wyoming-piper, the server that Home Assistant talks to, speaks with our voices."""

import asyncio
import io
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tests.clients.exported_voice import CHOIR, SENTENCE, ExportedVoice, Exports

piper = pytest.importorskip("piper", reason="piper-tts is not installed")
pytest.importorskip("wyoming_piper", reason="wyoming-piper is not installed")

from wyoming.audio import AudioChunk, AudioStart, AudioStop  # noqa: E402
from wyoming.client import AsyncTcpClient  # noqa: E402
from wyoming.info import Describe, Info, TtsVoice  # noqa: E402
from wyoming.tts import Synthesize, SynthesizeVoice  # noqa: E402

SECONDS = 600  # for anything: a server that does not answer fails the test and does not hang it


@dataclass(frozen=True)
class Conversation:
    """What the server says of itself, and how it says a text."""

    voice: TtsVoice
    rate: int
    width: int
    channels: int
    pcm: bytes


@pytest.fixture(scope="module")
def server(exports: Exports, offline: dict[str, str]) -> Iterator[int]:
    """A server of two voices, the trained one and the choir, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "wyoming_piper", "--voice", "trained", "--uri", f"tcp://127.0.0.1:{port}"]
    command += ["--noise-scale", "0", "--noise-w-scale", "0"]
    for name in ("trained", "choir"):
        command += ["--data-dir", str(exports(name).onnx.parent)]
    process = subprocess.Popen(command, env=offline, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        try:
            process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the server does not listen after {SECONDS} s")


async def converse(port: int, name: str, text: str, speaker: str | None = None) -> Conversation:
    """Ask the server who it is and let it say a text."""
    async with AsyncTcpClient("127.0.0.1", port, connect_timeout=SECONDS, read_timeout=SECONDS) as client:
        await client.write_event(Describe().event())
        described = await client.read_event()
        assert described is not None
        (voice,) = [
            voice for program in Info.from_event(described).tts for voice in program.voices if voice.name == name
        ]

        await client.write_event(Synthesize(text=text, voice=SynthesizeVoice(name=name, speaker=speaker)).event())
        first = await client.read_event()
        assert first is not None
        assert AudioStart.is_type(first.type), first
        start = AudioStart.from_event(first)
        pcm = b""
        while (event := await client.read_event()) is not None and AudioChunk.is_type(event.type):
            pcm += AudioChunk.from_event(event).audio
        assert event is not None
        assert AudioStop.is_type(event.type), event
    return Conversation(voice, start.rate, start.width, start.channels, pcm)


def piper_pcm(exported: ExportedVoice, text: str, speaker: int | None = None) -> bytes:
    """What piper's library says, sentence by sentence as loud as it can be."""
    settings = piper.SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, speaker_id=speaker)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        piper.PiperVoice.load(exported.onnx).synthesize_wav(text, writer, settings)
    file.seek(0)
    with wave.open(file, "rb") as reader:
        return reader.readframes(reader.getnframes())


def test_a_client_hears_who_speaks_and_then_the_speech(exports: Exports, server: int) -> None:
    exported = exports("trained")
    heard = asyncio.run(converse(server, "trained", SENTENCE))
    assert heard.voice.installed
    assert heard.voice.languages == ["en_US"]
    assert (heard.rate, heard.width, heard.channels) == (exported.sample_rate, 2, 1)
    assert heard.pcm == piper_pcm(exported, SENTENCE)

    ours = exported.say(exported.encode(SENTENCE)[0].ids)
    loudest = np.abs(ours).max()
    theirs = np.frombuffer(heard.pcm, dtype=np.int16) / 32767
    np.testing.assert_allclose(theirs, ours / loudest, atol=2e-4 / loudest + 1 / 32767, rtol=0)


def test_a_client_chooses_a_voice_and_its_speaker_by_name(exports: Exports, server: int) -> None:
    heard = [asyncio.run(converse(server, "choir", SENTENCE, speaker)).pcm for speaker in CHOIR]
    assert heard == [piper_pcm(exports("choir"), SENTENCE, speaker) for speaker in range(len(CHOIR))]
    assert len(set(heard)) == len(CHOIR)
