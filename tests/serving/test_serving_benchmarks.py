"""The benchmarks of the server measure what they say: here this process is the server, and asks itself."""

import json
import os

from tests.benchmarks import serving, serving_hostile
from tests.serving.running import Running


def measured(running: Running, name: str, text: str) -> serving.Server:
    body = json.dumps({"input": text, "response_format": "pcm"}).encode()
    return serving.Server(name, running.port, "/v1/audio/speech", body, os.getpid())


def test_a_server_with_more_to_say_answers_fewer_requests(server: Running) -> None:
    servers = [measured(server, "ours", "Hi."), measured(server, "other", "Good morning, said the doctor. " * 10)]
    rows = serving.measure(servers, rounds=1, clients=[1, 2])
    assert [row[0] for row in rows] == ["1, ours", "1, other", "2, ours", "2, other"]
    for ours, other in (rows[:2], rows[2:]):
        assert float(ours[1]) > float(other[1]) > 0
        assert float(other[4]) >= float(other[2]) > 0
        assert float(ours[6].removesuffix(" x")) > 1
    assert serving.table(rows).count("\n") == 5


def test_what_clients_do_wrong_is_counted(server: Running) -> None:
    opened = measured(server, "ours", "Hi.")
    watch = serving_hostile.Watch(opened)
    assert serving_hostile.statuses(opened, ["Hi."] * 3, 3) == {"200": 3}
    assert serving_hostile.malformed(20)(opened).total() == 20
    assert serving_hostile.leaving(4)(opened) == {"left": 2, "200 and left": 2}
    assert watch.end() >= 0
    assert watch.peak >= watch.before > 1 << 20
