"""Whatever is sent is answered with a success or with an error of the client's: never 5xx, never a traceback.

Some hundred requests; `python -m tests.benchmarks.serving_hostile` makes ten thousand, and watches the memory.
"""

import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.malformed import answer_to, raw_requests
from tests.serving.running import SECONDS, Running

FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=300, suppress_health_check=FIXTURE)
@given(data=st.data())
def test_no_request_is_a_failure_of_the_server(server: Running, data: st.DataObject) -> None:
    request = data.draw(raw_requests())
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        status, answer = answer_to(connection, request)
    assert status < 500, (request, answer)
    assert b"Traceback" not in answer
    if status >= 400 and b"application/json" in answer and not request.content.startswith(b"HEAD"):
        assert b'"error"' in answer


@pytest.mark.parametrize(
    "text", ["[[", "]]", "[[ˈ]]", "\0", "\u202e", "a" * 4000, "💣" * 300, "<speak>", "\ufeff", "०१२"]
)
def test_a_strange_text_is_spoken_or_refused(server: Running, text: str) -> None:
    for fields in ({}, {"ssml": True}, {"timestamps": True}):
        assert server.say(text, speed=4, **fields).status_code in (200, 400)
