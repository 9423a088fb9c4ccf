"""How many requests a server answers, and how soon, beside piper-tts's own: `python -m tests.benchmarks.serving`.

Ours has a voice of `configs/voice_fast.toml`, Piper's one of its medium size, as its trainer exports them; both are of
random weights and speak at the pace of LJSpeech's reader, in ONNX Runtime on the same cores. Closed loops of 1, 4, 16
and 64 clients, processes apart, ask each server in turn, round after round, so that a busy moment meets both.
`tests.benchmarks.serving_hostile` is for what clients do wrong.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import requests
import torch
from torch.onnx import symbolic_opset9

from configs import command
from speaking.torch_engine import TorchEngine
from tests.benchmarks.measuring import HOUSE, commit, device_name
from tests.benchmarks.streaming import TEN_WORDS, random_voice
from tests.benchmarks.table import markdown
from tests.serving.running import free_port
from voices.export import graph
from voices.export.__main__ import write_onnx
from voices.voice_file import VoiceFile

CLIENTS = (1, 4, 16, 64)
_SECONDS = 600  # for any answer


@dataclass(frozen=True)
class Server:
    """A server, and what it is asked."""

    name: str
    port: int
    path: str
    body: bytes
    pid: int


@dataclass(frozen=True)
class Answer:
    """How one request went."""

    first_seconds: float  # until the first bytes of the body
    seconds: float
    size: int  # bytes


def voice_graph(config: str, folder: Path, name: str, *, as_torch_exports: bool = False) -> Path:
    """The .onnx of a random voice of these settings."""
    voice = random_voice(HOUSE / "configs" / f"{config}.toml", [])
    assert isinstance(voice.engine, TorchEngine)
    file = VoiceFile(voice.config, voice.engine.synthesizer, voice.front_end.symbols.to_json(), (), 0)
    if not as_torch_exports:
        return write_onnx(file, folder, name)["float32"]
    with mock.patch.object(graph, "_convolution", symbolic_opset9._convolution):
        return write_onnx(file, folder, name)["float32"]


@contextmanager
def started(name: str, arguments: Sequence[str], path: str, body: dict[str, Any], port: int) -> Iterator[Server]:
    """A server in a process of its own, from when it answers."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=HOUSE, stderr=subprocess.DEVNULL)
    server = Server(name, port, path, json.dumps(body).encode(), process.pid)
    try:
        while True:
            assert process.poll() is None, f"{name} has ended"
            try:
                ask(server)
                break
            except OSError:
                time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait()


def ask(server: Server) -> Answer:
    """Make one request on a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_SECONDS)
    try:
        connection.request("POST", server.path, server.body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        size = len(answer.read1(1 << 16))
        first = time.perf_counter() - began
        size += len(answer.read())
        assert answer.status == 200, answer.status
        return Answer(first, time.perf_counter() - began, size)
    finally:
        connection.close()


def load(server: Server, clients: int, requests_each: int) -> tuple[list[Answer], float]:
    """Let clients ask one after another; returns the answers, and the seconds that all took."""
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: ask(server), range(clients * requests_each)))
    return answers, time.perf_counter() - began


def piper_server(folder: Path) -> tuple[str, list[str], str, dict[str, Any], int]:
    """The arguments of `started` for Piper's."""
    port = free_port()
    model = voice_graph("small", folder, "medium", as_torch_exports=True)
    options = ["-m", str(model), "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    return "piper-tts", ["piper.http_server", *options], "/synthesize", {"text": TEN_WORDS}, port


def our_server(folder: Path, *options: str) -> tuple[str, list[str], str, dict[str, Any], int]:
    """The arguments of `started` for ours."""
    port = free_port()
    model = voice_graph("voice_fast", folder, "fast")
    body = {"input": TEN_WORDS, "response_format": "pcm"}
    return "ours", ["serving", str(model), "--port", str(port), *options], "/v1/audio/speech", body, port


def measure(servers: Sequence[Server], rounds: int, clients: Sequence[int]) -> list[tuple[str, ...]]:
    """The rows of the table."""
    answers: dict[tuple[int, str], list[Answer]] = {}
    rates: dict[tuple[int, str], list[float]] = {}
    for round_ in range(rounds):
        for count in clients:
            for server in servers:
                each, seconds = load(server, count, max(2, 8 // count))
                answers.setdefault((count, server.name), []).extend(each)
                rates.setdefault((count, server.name), []).append(len(each) / seconds)
        print(f"round {round_ + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    ours, theirs = (server.name for server in servers)
    return [
        (
            f"{count}, {server.name}",
            f"{statistics.median(rates[count, server.name]):.1f}",
            *_milliseconds([one.first_seconds for one in answers[count, server.name]]),
            *_milliseconds([one.seconds for one in answers[count, server.name]]),
            _ratio(rates[count, ours], rates[count, theirs]) if server.name == ours else "",
        )
        for count in clients
        for server in servers
    ]


def _milliseconds(seconds: Sequence[float]) -> tuple[str, str]:
    late = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    return f"{1000 * statistics.median(seconds):.0f}", f"{1000 * late:.0f}"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{statistics.median(one / other for one, other in zip(ours, theirs, strict=True)):.2f} x"


def table(rows: list[tuple[str, ...]]) -> str:
    """To read."""
    head = ("clients, server", "requests/s", "first byte ms", "95 %", "whole ms", "95 %", "requests of piper's")
    return "\n".join(markdown(head, rows))


@command
def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS), help="at a time (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="of ours (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as running:
        ours = our_server(Path(scratch), "--workers", str(arguments.workers), "--queue", "256")
        servers = [running.enter_context(started(*each)) for each in (ours, piper_server(Path(scratch)))]
        rows = measure(servers, arguments.rounds, arguments.clients)
        metrics = requests.get(f"http://127.0.0.1:{servers[0].port}/metrics", timeout=_SECONDS).text
    print(table(rows))
    work, audio = (
        sum(
            float(line.split()[-1])
            for line in metrics.splitlines()
            if line.startswith(f"parlance_{name}_seconds_total")
        )
        for name in ("work", "audio")
    )
    print(
        f"\n- {TEN_WORDS!r}, {arguments.rounds} rounds, {arguments.workers} workers, real-time factor of ours "
        f"{work / audio:.3f}, {device_name(torch.device('cpu'))}, load {os.getloadavg()[0]:.1f}, commit {commit()}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
