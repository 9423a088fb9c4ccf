"""A web server that misbehaves as it is told."""

import contextlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What the server does with one request."""

    body: bytes
    status: int = 200
    etag: str | None = '"one"'
    date: str | None = None
    ranges: bool = True
    cut: int | None = None  # so many bytes of what it should send, then the connection ends
    claimed_length: int | None = None  # instead of the true one
    shift: int = 0  # a continuation begins so many bytes off
    deaf_to_if_range: bool = False
    at_most: int | None = None  # bytes in one continuation
    hang: bool = False  # stay silent after the cut
    content_type: str = "application/x-bzip2"
    location: str | None = None
    pause_seconds: float = 0.0  # every 4 KiB


@dataclass
class Request:
    path: str
    range: str | None
    if_range: str | None
    sent: int = 0


@dataclass
class Server:
    """A web server that follows a script; its last line is repeated."""

    script: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next_answer(self) -> Answer:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def handler_of(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = Request(self.path, self.headers["Range"], self.headers["If-Range"])
            server.requests.append(request)
            answer = server.next_answer()
            body, status = answer.body, answer.status
            wanted = re.fullmatch(r"bytes=(\d+)-", request.range or "")
            known = answer.deaf_to_if_range or request.if_range in (None, answer.etag, answer.date)
            place = None
            if wanted and answer.ranges and status == 200 and known:
                start = max(int(wanted[1]) + answer.shift, 0)
                body = body[start:][: answer.at_most]
                status = 206 if body else 416
                place = f"bytes {start}-{start + len(body) - 1}/{len(answer.body)}" if body else "bytes */0"
            self.send_response(status)
            length = len(body) if answer.claimed_length is None else answer.claimed_length
            headers = {"ETag": answer.etag, "Last-Modified": answer.date, "Content-Range": place}
            headers |= {
                "Location": answer.location,
                "Content-Type": "text/html" if status == 416 else answer.content_type,
            }
            headers["Content-Length"] = None if length < 0 else str(length)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            try:
                for start in range(0, len(body[: answer.cut]), 4096):
                    request.sent += self.wfile.write(body[: answer.cut][start : start + 4096])
                    time.sleep(answer.pause_seconds)
            except OSError:  # the client has been killed
                return
            if answer.hang:
                server.released.wait(600)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def serving(path: str) -> Iterator[Server]:
    """The server, listening; its address ends in `path`."""
    script = Server()
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(script))
    web.daemon_threads = True
    script.url = f"http://127.0.0.1:{web.server_port}/{path}"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    script.released.set()
    web.shutdown()
    thread.join()
    web.server_close()
