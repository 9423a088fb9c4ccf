"""Clients of piper-tts's own HTTP server find here what they find there."""

import io
import json
import sys
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from data.audio_file import to_int16
from serving.voice_list import VoiceList
from tests.clients.exported_voice import SENTENCE, Exports
from tests.serving.running import SECONDS, Running, running


def wav_samples(content: bytes) -> tuple[np.ndarray[Any, Any], int]:
    """Samples and rate of a wav whose header tells the length."""
    with wave.open(io.BytesIO(content), "rb") as reader:
        assert (reader.getnchannels(), reader.getsampwidth()) == (1, 2)
        assert len(content) == 44 + 2 * reader.getnframes()
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2"), reader.getframerate()


@pytest.fixture(scope="module")
def theirs(exports: Exports) -> Iterator[str]:
    """Piper's server with the choir."""
    flask = pytest.importorskip("flask", reason="flask is not installed, and piper's own server needs it")
    server = pytest.importorskip("piper.http_server", reason="piper-tts is not installed")
    from werkzeug.serving import make_server

    graph = exports("choir").onnx
    apps: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flask.Flask, "run", lambda app, **_: apps.append(app))
        patched.setattr(sys, "argv", ["piper", "-m", str(graph), "--data-dir", str(graph.parent)])
        server.main()
    listening = make_server("127.0.0.1", 0, apps[0], threaded=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join(SECONDS)
    listening.server_close()


def test_one_request_is_answered_alike_by_both(theirs: str, server: Running) -> None:
    for speaker in ({"speaker": "bob"}, {"speaker_id": 2}, {"speaker": "ann", "speaker_id": 1}):
        asked: dict[str, Any] = {
            "text": SENTENCE,
            "voice": "choir",
            "noise_scale": 0,
            "noise_w_scale": 0,
            "length_scale": 1.5,
            **speaker,
        }
        answers = [requests.post(f"{url}/synthesize", json=asked, timeout=SECONDS) for url in (theirs, server.url)]
        assert [answer.status_code for answer in answers] == [200, 200]
        (loud, rate), (ours, our_rate) = (wav_samples(answer.content) for answer in answers)
        assert rate == our_rate
        assert len(loud) == len(ours)
        # Piper makes every sentence as loud as it can be.
        np.testing.assert_allclose(loud / np.abs(loud).max(), ours / np.abs(ours).max(), atol=2e-3)


def test_the_list_of_voices_is_theirs(theirs: str, server: Running) -> None:
    known = requests.get(f"{theirs}/voices", timeout=SECONDS).json()["choir"]
    ours = server.get("/voices").json()["choir"]
    for name, value in ours.items():
        own = {key: known[name][key] for key in value} if isinstance(value, dict) else known[name]
        assert own == value, name


def test_a_request_to_the_root_may_be_json_or_the_text_alone(server: Running, voices: VoiceList) -> None:
    bodies = [json.dumps({"text": "Hello.", "unknown": 1}).encode(), b"Hello."]
    for content in bodies:
        answer = server.post("/", data=content)
        assert answer.headers["content-type"] == "audio/wav"
        samples, rate = wav_samples(answer.content)
        assert rate == voices.voices["reader"].voice.sample_rate
        assert np.abs(samples).max() > 1000


def test_a_long_answer_goes_out_while_it_is_made(voices: VoiceList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.wav._MOST_BYTES", 10_000)
    with running(voices) as server:
        content = server.post("/synthesize", json={"text": SENTENCE, "noise_scale": 0, "noise_w_scale": 0}).content
    said = voices.voices["reader"].voice.stream(SENTENCE, noise_scale=0.0, duration_noise_scale=0.0)
    np.testing.assert_array_equal(np.frombuffer(content[44:], "<i2"), to_int16(np.concatenate(list(said))))
    with wave.open(io.BytesIO(content), "rb") as reader:
        assert reader.readframes(reader.getnframes()) == content[44:]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"text": 5}', 400),
        (b'{"text": "Hi.", "voice": "../../etc/passwd"}', 404),
        (b'{"text": "Hi.", "voice": "/etc/passwd"}', 404),
        (b'{"text": "Hi.", "voice": "choir", "speaker": "dora"}', 400),
        (b'{"text": "Hi.", "voice": "choir", "speaker_id": 3}', 400),
        (b'{"text": "Hi.", "length_scale": 0}', 400),
        (b'{"text": "Hi.", "noise_scale": NaN}', 400),
    ],
)
def test_what_cannot_be_answered_is_refused(server: Running, body: bytes, status: int) -> None:
    answer = server.post("/synthesize", data=body)
    assert answer.status_code == status
    assert "Traceback" not in answer.json()["error"]["message"]


def test_the_fixture_folder_is_not_read_by_name(server: Running, tmp_path: Path) -> None:
    (tmp_path / "secret.onnx").write_bytes(b"")
    assert server.post("/synthesize", json={"text": "Hi.", "voice": str(tmp_path / "secret")}).status_code == 404
