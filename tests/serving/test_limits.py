"""The work, the memory and the time that clients can take are bounded, whatever they do."""

import contextlib
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from serving import workers
from serving.voice_list import VoiceList
from tests.clients.exported_voice import SENTENCE
from tests.serving.running import SECONDS, Running, everything, gated, running, until

BODY = json.dumps({"input": SENTENCE, "response_format": "pcm"}).encode()
HEAD = b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def whole_request(body: bytes = BODY) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def connect(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)


def test_a_full_queue_is_told_with_the_time_to_wait(voices: VoiceList) -> None:
    listed, voice = gated(voices)
    with running(listed, workers=1, queue=1) as server, ThreadPoolExecutor(2) as clients:
        accepted = [clients.submit(server.say, SENTENCE)]
        voice.begun.acquire()
        accepted.append(clients.submit(server.say, SENTENCE))
        until(lambda: server.metric("parlance_queue_length") == 1)
        refused = server.say(SENTENCE)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert server.post("/synthesize", json={"text": SENTENCE}).status_code == 429
        assert server.metric("parlance_refusals_total", reason="queue") == 2
        voice.gate.set()
        assert [answer.result(SECONDS).status_code for answer in accepted] == [200, 200]
        assert server.say(SENTENCE).status_code == 200


def test_two_hundred_requests_at_once_are_answered_or_told_to_wait(voices: VoiceList) -> None:
    with running(voices, queue=20) as server, ThreadPoolExecutor(200) as clients:
        answers = list(clients.map(lambda _: server.say("Hello.", response_format="pcm"), range(200)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {200, 429}
        assert statuses.count(200) >= 22
        assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 429)
        until(lambda: server.metric("parlance_busy_workers") + server.metric("parlance_queue_length") == 0)


def test_fifty_thousand_characters_without_a_mark_are_refused_or_spoken_in_bounded_parts(
    server: Running, voices: VoiceList
) -> None:
    text = "word " * 10_000
    assert server.say(text).status_code == 400
    with running(voices, max_characters=60_000, max_audio_seconds=20.0) as larger:
        answer = larger.post("/v1/audio/speech", json={"input": text, "response_format": "pcm"}, stream=True)
        assert answer.status_code == 200
        with pytest.raises(requests.RequestException):  # more than 20 s are cut off, not ended as if whole
            for _ in answer.iter_content(None):
                pass


def test_a_client_that_leaves_frees_its_worker_and_its_place(voices: VoiceList) -> None:
    listed, voice = gated(voices)
    with running(listed, workers=1, queue=1) as server:
        leaving = [connect(server) for _ in range(2)]
        leaving[0].sendall(whole_request())
        voice.begun.acquire()
        leaving[1].sendall(whole_request())
        until(lambda: server.metric("parlance_queue_length") == 1)
        for connection in leaving:
            connection.close()
        until(lambda: server.metric("parlance_requests_total", status="499") == 2)
        voice.gate.set()
        until(lambda: server.metric("parlance_busy_workers") == 0)
        assert server.say(SENTENCE).status_code == 200


def test_one_that_leaves_in_the_middle_of_its_audio_stops_it(voices: VoiceList) -> None:
    with running(voices, workers=1) as server:
        connection = connect(server)
        connection.sendall(whole_request(json.dumps({"input": f"{SENTENCE} " * 70, "response_format": "pcm"}).encode()))
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()
        until(lambda: server.metric("parlance_requests_total", status="499") == 1)
        until(lambda: server.metric("parlance_busy_workers") == 0)
        assert server.metric("parlance_audio_seconds_total") < 200  # of four minutes


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v1/audio/speech HT", HEAD, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /"]
)
def test_a_client_that_never_ends_its_headers_is_sent_away(voices: VoiceList, sent: bytes) -> None:
    with running(voices, receive_seconds=1.0) as server, connect(server) as connection:
        connection.sendall(sent)
        said = everything(connection)
        assert said.startswith(b"HTTP/1.1 200") == sent.startswith(b"GET /health")
        assert b"audio" not in said


def test_a_client_that_never_ends_its_body_is_told_and_sent_away(voices: VoiceList) -> None:
    with running(voices, receive_seconds=1.0) as server, connect(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        said = everything(connection)
        assert said.startswith(b"HTTP/1.1 408")
        assert b'"error"' in said
        assert server.metric("parlance_refusals_total", reason="slow") == 1


def test_a_client_that_does_not_read_is_sent_away_and_holds_nobody_up(
    voices: VoiceList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_BUFFER_BYTES", 10_000)
    text = {"input": f"{SENTENCE} " * 70, "response_format": "wav", "sample_rate": 48000}
    with running(voices, workers=1, request_seconds=3.0, receive_seconds=1.0) as server:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(whole_request(json.dumps(text).encode()))
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert server.say("Hello.").status_code == 200  # meanwhile, by the one worker
        until(lambda: server.metric("parlance_requests_total", status="500") == 1)
        connection.settimeout(SECONDS)
        assert not everything(connection).endswith(b"0\r\n\r\n")
        connection.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Running, chunked: bool) -> None:
    body = b'{"input": "' + b"a" * 1_000_000 + b'"}'
    length = b"Transfer-Encoding: chunked\r\n\r\n%x" if chunked else b"Content-Length: %d\r\n"
    refused = server.metric("parlance_refusals_total", reason="size")
    with connect(server) as connection:
        answer = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # it is not even taken
            connection.sendall(HEAD + length % len(body) + b"\r\n" + body)
            answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 413") or not answer
    until(lambda: server.metric("parlance_refusals_total", reason="size") == refused + 1)
    small = requests.post(f"{server.url}/v1/audio/speech", data=b" " * 70_000, timeout=SECONDS)
    assert small.status_code == 413
    assert small.json()["error"]["message"].startswith("the body has more than 65536 bytes")


def test_one_request_more_than_the_connections_allow_is_refused(voices: VoiceList) -> None:
    with running(voices, connections=4) as server:
        others = [connect(server) for _ in range(4)]
        until(lambda: server.get("/health").status_code != 200)
        assert server.get("/health").status_code == 503
        for connection in others:
            connection.close()
        until(lambda: server.get("/health").status_code != 503)
        assert server.get("/health").status_code == 200


def test_pages_of_other_origins_may_ask_only_if_they_are_named(server: Running, voices: VoiceList) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    allowed = "Access-Control-Allow-Origin"
    answer = requests.options(f"{server.url}/v1/audio/speech", headers=headers, timeout=SECONDS)
    assert allowed not in answer.headers
    assert allowed not in server.get("/v1/models", headers=headers).headers
    with running(voices, cors=("https://example.org",), keys=["k"]) as open_server:
        answer = requests.options(f"{open_server.url}/v1/audio/speech", headers=headers, timeout=SECONDS)
        assert answer.headers[allowed] == "https://example.org"
        other = {**headers, "Origin": "https://example.com"}
        assert allowed not in open_server.get("/v1/models", headers=other).headers


def test_metrics_count_what_was_heard(voices: VoiceList) -> None:
    with running(voices) as server:
        seconds = [len(server.say(SENTENCE, response_format="pcm").content) / 2 / 24000 for _ in range(2)]
        until(lambda: server.metric("parlance_requests_total", interface="openai", status="200") == 2)
        assert server.metric("parlance_audio_seconds_total", voice="reader") == pytest.approx(sum(seconds), abs=0.01)
        assert server.metric("parlance_first_byte_seconds_count") == 2
        assert server.metric("parlance_request_seconds_sum") >= server.metric("parlance_first_byte_seconds_sum") > 0
        work = server.metric("parlance_work_seconds_total")
        assert 0 < work <= server.metric("parlance_request_seconds_sum") + 0.1
        assert server.metric("parlance_real_time_factor_count") == 2


def test_the_log_has_the_texts_only_if_asked(voices: VoiceList, caplog: pytest.LogCaptureFixture) -> None:
    for texts in (False, True):
        with caplog.at_level(logging.INFO, "serving"), running(voices, log_texts=texts) as server:
            caplog.clear()
            server.say("A secret.", voice="reader", seed=1)
            until(lambda: any(record.message == "speech" for record in caplog.records))
            (record,) = [record for record in caplog.records if record.message == "speech"]
            fields: dict[str, Any] = vars(record)["fields"]
            assert ("A secret." in str(fields)) == texts
            assert fields["characters"] == 9
            assert fields["status"] == 200


def test_what_is_being_said_at_the_end_is_finished_and_nothing_new_begins(voices: VoiceList) -> None:
    listed, voice = gated(voices)
    with running(listed, workers=1) as server, ThreadPoolExecutor(1) as clients, connect(server) as kept:
        speaking = clients.submit(server.say, SENTENCE, response_format="pcm")
        voice.begun.acquire()
        server.end()
        until(lambda: _refuses(server))
        kept.sendall(whole_request())
        voice.gate.set()
        assert len(speaking.result(SECONDS).content) > 10_000
        assert b"200 OK" not in everything(kept)
        server.thread.join(SECONDS)
        assert not server.thread.is_alive()


def _refuses(server: Running) -> bool:
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return True
    return False


def test_what_takes_longer_than_the_end_may_take_is_cut_off(voices: VoiceList) -> None:
    listed, voice = gated(voices)
    with running(listed, workers=1, drain_seconds=1.0) as server, connect(server) as connection:
        connection.sendall(whole_request())
        voice.begun.acquire()
        threading.Timer(3, voice.gate.set).start()
        server.end()
        assert b"200 OK" not in everything(connection)
