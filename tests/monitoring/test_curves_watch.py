"""The server of `--watch`: a page that is as new as its run, for this machine alone."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs import InputError
from monitoring.page.watching import WatchedPage, serve


class Making:
    """Makes pages, and counts them."""

    made = 0
    fault: InputError | None = None

    def __call__(self, version: str) -> str:
        if self.fault is not None:
            raise self.fault
        self.made += 1
        return f"page {self.made}"


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def address(tmp_path: Path, making: Making) -> Iterator[str]:
    (tmp_path / "metrics.jsonl").write_text("one\n")
    server = serve(WatchedPage([tmp_path], making), port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def get(address: str, host: str | None = None) -> str:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=600) as answer:
        content: bytes = answer.read()
    return content.decode()


def test_a_page_is_made_anew_only_when_its_run_has_gone_on(address: str, making: Making, tmp_path: Path) -> None:
    assert [get(address), get(address)] == ["page 1", "page 1"]
    before = get(f"{address}/version")
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write("two\n")
    assert get(f"{address}/version") != before
    assert making.made == 1, "to ask for the version costs nothing"
    assert get(address) == "page 2"


def test_a_run_that_cannot_be_read_yet_is_waited_for(address: str, making: Making) -> None:
    making.fault = InputError("<runs/new>: holds nothing yet")
    page = get(address)
    assert "&lt;runs/new&gt;: holds nothing yet" in page
    assert 'http-equiv="refresh"' in page
    making.fault = None
    assert get(address) == "page 1"


def test_only_this_machine_is_answered(address: str) -> None:
    assert address.startswith("http://127.0.0.1:")
    assert get(address, host="localhost:8770") == "page 1"
    for host in ("voices.example:8770", "127.0.0.1.voices.example:8770"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            get(address, host=host)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{address}/metrics.jsonl")


def test_a_port_that_is_taken_is_told(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with pytest.raises(InputError, match=rf"port {port} .* give another with --port"):
        serve(WatchedPage([], Making()), port)
