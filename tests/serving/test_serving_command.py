"""The server as a process: it begins and ends as it should, and says what is wrong in one sentence."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from serving.__main__ import main
from tests.clients.exported_voice import HOUSE, SENTENCE
from tests.serving.running import SECONDS, free_port


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    process: "subprocess.Popen[str]"
    url: str

    def say(self, text: str = SENTENCE) -> requests.Response:
        body = {"input": text, "response_format": "pcm"}
        return requests.post(f"{self.url}/v1/audio/speech", json=body, timeout=SECONDS)

    def log(self) -> list[dict[str, Any]]:
        """What it has said until its end."""
        assert self.process.stderr is not None
        return [json.loads(line) for line in self.process.stderr]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "serving", *map(str, arguments)]


@contextmanager
def served(*arguments: object, folder: Path = HOUSE) -> Iterator[Served]:
    process = subprocess.Popen(command(*arguments), cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        assert '"listening"' in first, first + process.stderr.read()
        yield Served(process, json.loads(first)["url"].rstrip("/"))
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def graph(voice_folder: Path) -> Path:
    return voice_folder / "graph.onnx"


def test_sigterm_finishes_what_is_being_said_and_ends_well(graph: Path) -> None:
    with served(graph, "--port", 0, "--workers", 1) as server, ThreadPoolExecutor(1) as clients:
        assert server.say().status_code == 200
        stream = requests.post(
            f"{server.url}/v1/audio/speech",
            json={"input": f"{SENTENCE} " * 30, "response_format": "pcm", "seed": 1},
            stream=True,
            timeout=SECONDS,
        )
        pieces = stream.iter_content(None)
        heard = len(next(pieces))
        server.process.send_signal(signal.SIGTERM)
        heard += clients.submit(lambda: sum(map(len, pieces))).result(SECONDS)
        assert server.process.wait(SECONDS) == 0
        log = server.log()
        (last,) = [line for line in log if line["message"] == "speech"][1:]
        assert heard == pytest.approx(last["audio_seconds"] * 48000, abs=48)
        assert [line["message"] for line in log][-1] == "ended"
        assert not any("traceback" in line for line in log)


def test_a_server_that_was_killed_starts_again_at_once_on_its_port(graph: Path) -> None:
    port = free_port()
    with served(graph, "--port", port) as server, ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(server.say, f"{SENTENCE} " * 20) for _ in range(8)]
        with socket.create_connection(("127.0.0.1", port)):  # is left behind in TIME_WAIT
            server.process.kill()
            server.process.wait()
        # On a busy machine, some were answered before.
        assert any(isinstance(request.exception(SECONDS), requests.RequestException) for request in asked)
        with served(graph, "--port", port) as again:
            assert again.say().status_code == 200


def test_a_second_server_on_one_port_says_so_in_a_sentence(graph: Path) -> None:
    with served(graph, "--port", 0, "--wyoming-port", 0) as server:
        port = server.url.rpartition(":")[2]
        for options, named in (
            (["--port", port], "--port"),
            (["--port", "0", "--wyoming-port", port], "--wyoming-port"),
        ):
            done = subprocess.run(
                command(graph, *options), cwd=HOUSE, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            assert done.returncode == 2
            expected = f"error: port {port} of 127.0.0.1 cannot be listened on (Address already in use): give another"
            assert done.stderr == f"{expected} with {named}\n"


def test_an_onnx_voice_is_served_without_torch(graph: Path) -> None:
    with served(graph, "--port", 0) as server:
        assert server.say().status_code == 200
        maps = {Path(file.path).name for file in psutil.Process(server.process.pid).memory_maps()}
        assert any(name.startswith("onnxruntime") for name in maps)
        assert not any(name.startswith("libtorch") for name in maps)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["GRAPH", "FOLDER/graph.onnx", "graph=FOLDER/reader"], "the name of this voice would be graph"),
        (["GRAPH", "--port", "70000"], "--port 70000: input should be less than or equal to 65535"),
        (["GRAPH", "--workers", "0"], "--workers 0: input should be greater than 0"),
        (["GRAPH", "--request-seconds", "nan"], "--request-seconds nan: input should be"),
        (["GRAPH", "--api-key-file", "FOLDER/nothing"], "cannot be read as a file of API keys"),
        (["GRAPH", "--api-key-file", "FOLDER/empty"], "has no API key: write one on a line of its own"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    voice_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.setattr("serving.server.run", None)  # or a mistake that is overlooked is served for ever
    (voice_folder / "empty").write_text("# nobody\n\n")
    given = [
        word.replace("GRAPH", str(voice_folder / "graph.onnx")).replace("FOLDER", str(voice_folder))
        for word in arguments
    ]
    port = [] if "--port" in given else ["--port", "0"]
    monkeypatch.setattr("sys.argv", ["serving", *given, *port])
    assert main() == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert sentence in told
    assert told.count("\n") == 1
