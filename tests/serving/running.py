"""A server in a thread of this process, on sockets of its own."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from infer import Voice
from serving.server import Sockets, run
from serving.settings import ServingSettings
from serving.voice_list import NamedVoice, VoiceList
from speaking.engine import SpeechSegment

SECONDS = 120  # for anything: what hangs fails the test
KEY = "open-sesame"


@dataclass(frozen=True)
class Running:
    """Where a server listens."""

    port: int
    wyoming_port: int
    end: Callable[[], object]  # as SIGTERM does
    thread: threading.Thread

    @property
    def url(self) -> str:
        """Of the root, without a slash."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=SECONDS, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return requests.post(self.url + path, timeout=SECONDS, **options)

    def say(self, text: str, **fields: Any) -> requests.Response:
        """OpenAI's request for speech."""
        return self.post("/v1/audio/speech", json={"input": text, **fields})

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@contextlib.contextmanager
def running(voices: VoiceList, *, keys: Sequence[str] = (), **settings: Any) -> Iterator[Running]:
    """Serve voices until the block ends, on free ports."""
    chosen = ServingSettings(**{"port": 0, "wyoming_port": 0, "workers": 2, "drain_seconds": 10.0, **settings})
    with running_as(voices, chosen, tuple(sha256(key.encode()).digest() for key in keys)) as started:
        yield started


@contextlib.contextmanager
def running_as(voices: VoiceList, settings: ServingSettings, keys: tuple[bytes, ...]) -> Iterator[Running]:
    """Serve voices with these settings and SHA-256 of keys until the block ends."""
    sockets = Sockets.open(settings)
    port = sockets.http.getsockname()[1]
    wyoming_port = 0 if sockets.wyoming is None else sockets.wyoming.getsockname()[1]
    started: list[Callable[[], object]] = []

    async def live() -> None:
        loop, ending = asyncio.get_running_loop(), asyncio.Event()
        started.append(lambda: loop.call_soon_threadsafe(ending.set))
        await run(voices, settings, sockets, ending, keys)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    until(lambda: bool(started))
    try:
        yield Running(port, wyoming_port, started[0], thread)
    finally:
        if thread.is_alive():
            started[0]()
        thread.join(SECONDS)
    assert not thread.is_alive()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def everything(connection: socket.socket) -> bytes:
    """What comes until the connection ends."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.01)


class Gated(Voice):
    """A voice that says nothing until it may."""

    def __init__(self, voice: Voice) -> None:
        vars(self).update(vars(voice))
        self.begun, self.gate = threading.Semaphore(0), threading.Event()

    def say(self, text: str, **options: Any) -> Iterator[SpeechSegment]:
        """As `Voice.say`, once the gate is open."""
        segments = super().say(text, **options)

        def gated() -> Iterator[SpeechSegment]:
            for segment in segments:
                self.begun.release()
                assert self.gate.wait(SECONDS)
                yield segment

        return gated()


def gated(voices: VoiceList, name: str = "reader") -> tuple[VoiceList, Gated]:
    """A list of one voice that waits."""
    voice = Gated(voices.voices[name].voice)
    return VoiceList({name: replace(NamedVoice(name, voice))}), voice
