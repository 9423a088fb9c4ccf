"""Requests of every kind of wrongness, as the bytes that go over a socket: strategies of hypothesis."""

import json
import socket
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.serving.running import everything

PATHS = (
    "/v1/audio/speech",
    "/",
    "/synthesize",
    "/voices",
    "/v1/models",
    "/v1/models/x",
    "/health",
    "/metrics",
    "/nope",
)
FIELDS = (
    *("input", "model", "voice", "response_format", "speed", "stream_format", "speaker", "language", "seed"),
    *("noise_scale", "duration_noise_scale", "pause_seconds", "sample_rate", "ssml", "timestamps", "instructions"),
    *("text", "speaker_id", "length_scale", "noise_w_scale"),
)

# Short, so that what happens to be right does not take long to say.
_words = st.text(max_size=12) | st.sampled_from(
    ["Hi.", "reader", "choir/ann", "../reader", "/etc/passwd", "\0", "mp3", "pcm"]
)
_numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 1, 2**63, 1e308, -0.0])
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)
_asked = st.fixed_dictionaries(
    {},
    optional={
        "input": st.just("Hi.") | _values,
        "text": st.just("Hi.") | _values,
        "voice": st.sampled_from(["reader", "choir", "graph"]) | _values,
        "response_format": st.sampled_from(["mp3", "opus", "aac", "flac", "wav", "pcm"]) | _values,
        "stream_format": st.sampled_from(["audio", "sse"]) | _values,
        "speed": st.floats(0.25, 4) | _values,
        "ssml": st.booleans() | _values,
        "timestamps": st.booleans() | _values,
        "sample_rate": st.integers(8000, 48000) | _values,
        "seed": st.integers(0, 2**63 - 1) | _values,
    },
)
_json = st.one_of(
    _asked,
    st.builds(dict[str, Any], st.dictionaries(st.sampled_from(FIELDS), _values, max_size=6)),
    _values,
).map(lambda value: json.dumps(value).encode())


@st.composite
def _broken_json(draw: st.DrawFn) -> bytes:
    """JSON with a few bytes cut out, doubled or replaced."""
    content = draw(_json)
    at = draw(st.integers(0, len(content)))
    return content[:at] + draw(st.binary(max_size=4)) + content[at + draw(st.integers(0, 4)) :]


_METHODS = (*["POST"] * 6, "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW")
_KINDS = (*["application/json"] * 4, "text/plain", "", "multipart/form-data", "application/xml")
_OTHER_HEADERS = (
    *("Expect: 100-continue", "Authorization: Bearer x", "Range: bytes=0-1", "Upgrade: h2c", "Connection: Upgrade"),
    *("Content-Encoding: gzip", "Transfer-Encoding: gzip", "X: \x01", f"Cookie: {'a' * 9000}", "Origin: null"),
)


@dataclass(frozen=True)
class RawRequest:
    """A request."""

    content: bytes
    waits: bool  # whether the server may wait for more


@st.composite
def raw_requests(draw: st.DrawFn) -> RawRequest:
    """A request whose body, headers, method, path or framing is wrong, or all are right."""
    body = draw(_json | _broken_json() | st.binary(max_size=60))
    paths = st.sampled_from(PATHS[:3]) | st.sampled_from(PATHS) | st.text("abc/.%?&=0", max_size=20).map("/{}".format)
    host = draw(st.sampled_from(["x", "", "a:b", ".."]))
    headers = [f"Host: {host}", f"Content-Type: {draw(st.sampled_from(_KINDS))}", "Connection: close"]
    headers += draw(st.lists(st.sampled_from(_OTHER_HEADERS), max_size=2))
    framing = draw(st.sampled_from([*["right"] * 5, "length", "chunks", "no chunks"]))
    if framing in ("chunks", "no chunks"):
        headers.append("Transfer-Encoding: chunked")
    elif framing == "right":
        headers.append(f"Content-Length: {len(body)}")
    else:
        headers.append(f"Content-Length: {draw(st.sampled_from(['-1', 'x', '99999999', '0', '1, 2']))}")
    if framing == "chunks":
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    head = f"{draw(st.sampled_from(_METHODS))} {draw(paths)} HTTP/1.1\r\n" + "\r\n".join(headers) + "\r\n\r\n"
    return RawRequest(head.encode("latin-1") + body, waits=framing == "no chunks")


def answer_to(connection: socket.socket, request: RawRequest) -> tuple[int, bytes]:
    """The status and all of what is answered; 0 if nothing is, to one who does not end the request."""
    connection.sendall(request.content)
    if request.waits:
        connection.shutdown(socket.SHUT_WR)
    answer = everything(connection)
    assert answer or request.waits, request
    last = answer.partition(b"\r\n\r\n")[2] if answer.startswith(b"HTTP/1.1 100 ") else answer
    return int(last.split(b" ", 2)[1]) if last else 0, answer
