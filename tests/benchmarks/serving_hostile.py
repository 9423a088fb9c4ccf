"""What a server bears: `python -m tests.benchmarks.serving_hostile`, which prints a row for each thing that clients do.

Malformed requests by the thousand, fifty thousand characters without a mark, two hundred requests at once, clients that
leave in the middle, slow readers and slow writers. Each row has the answers, the memory of the server before, at most
and after, the longest queue, and the time from the last client's end until no worker is busy.
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests
import torch
from hypothesis import HealthCheck, Phase, given, settings

from configs import command
from tests.benchmarks.measuring import commit, device_name
from tests.benchmarks.serving import Server, our_server, started
from tests.benchmarks.streaming import TEN_WORDS
from tests.benchmarks.table import markdown
from tests.serving.malformed import RawRequest, answer_to, raw_requests

_SECONDS = 600
_AUDIO_SECONDS = 600  # of an answer, which is then cut off: half a minute of work, so that its time is enough anywhere
_MIB = 1 << 20
Deed = Callable[[Server], Counter[str]]


def statuses(server: Server, texts: list[str], clients: int) -> Counter[str]:
    """Ask for each text, this many at a time; how often which status, or that the answer was cut off."""

    def say(text: str) -> str:
        body = {"input": text, "response_format": "pcm"}
        url = f"http://127.0.0.1:{server.port}/v1/audio/speech"
        try:
            return str(requests.post(url, json=body, timeout=_SECONDS).status_code)
        except requests.exceptions.ChunkedEncodingError:
            return "cut off"

    with ThreadPoolExecutor(clients) as pool:
        return Counter(pool.map(say, texts))


def malformed(count: int) -> Deed:
    """So many requests of hypothesis."""

    def send(server: Server) -> Counter[str]:
        seen: Counter[str] = Counter()

        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(raw_requests())
        def one(request: RawRequest) -> None:
            with socket.create_connection(("127.0.0.1", server.port), timeout=_SECONDS) as connection:
                status, answer = answer_to(connection, request)
            seen[f"{status // 100}xx" if status else "none"] += 1
            seen["tracebacks"] += b"Traceback" in answer

        one()
        return seen

    return send


def leaving(count: int) -> Deed:
    """So many clients that leave: half before their answer begins, half in the middle of it."""

    def leave(server: Server) -> Counter[str]:
        body = json.dumps({"input": f"{TEN_WORDS} " * 20, "response_format": "pcm"}).encode()
        head = (
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )

        def one(place: int) -> str:
            with socket.create_connection(("127.0.0.1", server.port), timeout=_SECONDS) as connection:
                connection.sendall(head % len(body) + body)
                if place % 2:
                    return connection.recv(12).decode()[-3:] + " and left"
                return "left"

        with ThreadPoolExecutor(50) as pool:
            return Counter(pool.map(one, range(count)))

    return leave


def slow(writers: bool, count: int) -> Deed:
    """So many clients that send a byte a second of their headers, or read no long answer, while others ask."""

    def hold(server: Server) -> Counter[str]:
        body = json.dumps({"input": f"{TEN_WORDS} " * 40, "response_format": "wav", "sample_rate": 48000}).encode()
        head = (
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )
        whole = head % len(body) + body
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
        try:
            for connection in held:
                connection.sendall(whole[:1] if writers else whole)
            seen = statuses(server, [TEN_WORDS] * 4, 2)
            if writers:
                seen["sent away"] = _sent_away(held, whole)
            return seen
        finally:
            for connection in held:
                connection.close()

    return hold


def _sent_away(held: list[socket.socket], whole: bytes) -> int:
    """How many are closed within half a minute of a byte a second."""
    gone: set[int] = set()
    for place in range(1, 30):
        for number, connection in enumerate(held):
            try:
                if number not in gone:
                    connection.sendall(whole[place : place + 1])
            except OSError:
                gone.add(number)
        time.sleep(1)
    return len(gone)


class Watch:
    """The memory and the queue of a server while something is done to it."""

    def __init__(self, server: Server) -> None:
        self._server, self._process = server, psutil.Process(server.pid)
        self.before = self.peak = self.memory
        self.queue = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return int(self._process.memory_info().rss)

    def metric(self, name: str) -> float:
        """A gauge of the server."""
        lines = requests.get(f"http://127.0.0.1:{self._server.port}/metrics", timeout=_SECONDS).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            self.peak = max(self.peak, self.memory)
            self.queue = max(self.queue, self.metric("parlance_queue_length"))

    def end(self) -> float:
        """Seconds until nothing is worked on."""
        began = time.monotonic()
        while self.metric("parlance_busy_workers") + self.metric("parlance_queue_length"):
            time.sleep(0.02)
        seconds = time.monotonic() - began
        self._ended.set()
        self._thread.join()
        return seconds


@command
def main() -> int:
    """Do each to one server, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving_hostile", description=__doc__)
    parser.add_argument("--malformed", type=int, default=10_000, help="requests (%(default)s)")
    parser.add_argument("--leaving", type=int, default=500, help="clients (%(default)s)")
    parser.add_argument("--slow", type=int, default=100, help="clients (%(default)s)")
    arguments = parser.parse_args()
    endless = "word " * 10_000
    deeds: dict[str, Deed] = {
        "200 at once": lambda server: statuses(server, [TEN_WORDS] * 200, 200),
        f"50 000 characters, {_AUDIO_SECONDS} s of them": lambda server: statuses(server, [endless] * 4, 4),
        f"{arguments.malformed} malformed": malformed(arguments.malformed),
        f"{arguments.malformed} malformed again": malformed(arguments.malformed),
        f"{arguments.leaving} that leave": leaving(arguments.leaving),
        f"{arguments.slow} slow writers": slow(True, arguments.slow),
        f"{arguments.slow} slow readers": slow(False, arguments.slow // 2),
    }
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        larger = ("--max-characters", "60000", "--max-audio-seconds", str(_AUDIO_SECONDS), "--request-seconds", "600")
        with started(*our_server(Path(scratch), "--workers", "2", *larger)) as server:
            for name, deed in deeds.items():
                watch = Watch(server)
                seen = deed(server)
                idle = watch.end()
                told = ", ".join(f"{count} x {kind}" for kind, count in sorted(seen.items()) if count)
                memory = " ".join(f"{size / _MIB:.0f}" for size in (watch.before, watch.peak, watch.memory))
                rows.append((name, told, memory, f"{watch.queue:.0f}", f"{idle:.2f}"))
                print(rows[-1], file=sys.stderr)
    print(
        "\n".join(markdown(("what clients do", "answers", "MiB before, at most, after", "queue", "idle after s"), rows))
    )
    print(f"\n- {device_name(torch.device('cpu'))}, load {os.getloadavg()[0]:.1f}, commit {commit()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
