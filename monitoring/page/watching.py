"""The server of `--watch`: for this machine only, and with a new page whenever training has written something."""

import html
import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from configs import InputError
from configs.errors import refusing_os_errors

HOST = "127.0.0.1"
_WAITING = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Waiting for the run</title><p>{}</p><p>This page looks again every few seconds.</p></html>
"""


class WatchedPage:
    """A page that is made on request, if its runs have changed since the last one.

    Args:
        folders: of the runs.
        make: makes the page, given a version.
    """

    def __init__(self, folders: Sequence[Path], make: Callable[[str], str]) -> None:
        self._folders, self._make = folders, make
        self._lock = threading.Lock()
        self._made = ("", "")  # version and page

    def version(self) -> str:
        """A string that changes whenever training writes a line."""
        return "-".join(_stamp(folder) for folder in self._folders)

    def page(self) -> str:
        """The newest page; while the runs cannot be read, one that says why."""
        with self._lock:
            version = self.version()
            if self._made[0] != version:
                try:
                    self._made = (version, self._make(version))
                except InputError as error:
                    return _WAITING.format(html.escape(str(error)))
            return self._made[1]


def serve(watched: WatchedPage, port: int) -> ThreadingHTTPServer:
    """Open a server on this machine, ready to `serve_forever`.

    Args:
        watched: the page to serve.
        port: 0 takes a free one.

    Raises:
        InputError: the port cannot be opened.
    """
    handler = type("Handler", (_Handler,), {"watched": watched})
    with refusing_os_errors(f"port {port} of {HOST} cannot be listened on", "give another with --port"):
        server = ThreadingHTTPServer((HOST, port), handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    watched: WatchedPage

    def do_GET(self) -> None:
        # DNS rebinding: another site whose name resolves to this machine must not read private recordings.
        if self.headers.get("Host", "").rpartition(":")[0] not in (HOST, "localhost"):
            self.send_error(403, "ask for 127.0.0.1 or localhost")
        elif self.path == "/":
            self._answer(self.watched.page(), "text/html")
        elif self.path == "/version":
            self._answer(self.watched.version(), "text/plain")
        else:
            self.send_error(404)

    def _answer(self, text: str, kind: str) -> None:
        content = text.encode("utf-8", "backslashreplace")
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing of what was answered, only what was refused."""

    def log_error(self, format: str, *arguments: object) -> None:
        """One line for a request that was refused."""
        print(f"refused: {self.path}: {format % arguments}", file=sys.stderr)


def _stamp(folder: Path) -> str:
    files = [folder / "metrics.jsonl"]
    if not files[0].exists():
        files = sorted(folder.glob("*tfevents*"))
    found = [path.stat() for path in files if path.exists()]
    return ".".join(f"{stat.st_mtime_ns:x}.{stat.st_size:x}" for stat in found) or "none"
