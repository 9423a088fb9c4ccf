"""What every request passes before it is read: the API key, the size of its body, and the time to send it.

uvicorn waits for ever for the headers of a request, and for a client that takes what was written; `BoundedProtocol`
does not.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.answer import error_response
from serving.requests import ApiError
from serving.settings import ServingSettings

_OPEN_PATHS = ("/", "/health", "/health/live", "/health/ready")  # without a key; the page asks for one
_CLOSE = {"Connection": "close"}  # what is left of the body is not read
_NO_KEY = ApiError(
    401,
    "this server asks for an API key: send it as Authorization: Bearer KEY",
    code="invalid_api_key",
    headers={"WWW-Authenticate": "Bearer", **_CLOSE},
)


class Gate:
    """ASGI middleware that checks the key and bounds the body of a request.

    Args:
        app: the application behind it.
        settings: of the server.
        keys: SHA-256 of each API key; without one, none is asked for.
        refuse: counts a refusal, by its reason.
    """

    def __init__(
        self, app: ASGIApp, settings: ServingSettings, keys: Sequence[bytes], refuse: Callable[[str], None]
    ) -> None:
        self._app, self._settings, self._keys, self._refuse = app, settings, keys, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_open = scope["method"] in ("GET", "HEAD") and scope["path"] in _OPEN_PATHS
        if self._keys and not is_open and not self._knows(headers):
            self._refuse("key")
            await error_response(_NO_KEY)(scope, receive, send)
            return
        if int(headers.get(b"content-length", b"0")) > self._settings.max_body_bytes:
            await error_response(self._too_large())(scope, receive, send)
            return
        received, over = 0, False

        async def bounded_receive() -> Message:
            nonlocal received, over
            if over:
                return await receive()  # of the client's leaving
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                seconds = self._settings.receive_seconds
                self._refuse("slow")
                late = f"the body was not there after {seconds:g} s: send it at once"
                raise ApiError(408, late, headers=_CLOSE) from error
            received += len(message.get("body", b""))
            if received > self._settings.max_body_bytes:
                raise self._too_large()
            over = not message.get("more_body", False)
            return message

        deadline = asyncio.get_running_loop().time() + self._settings.receive_seconds
        await self._app(scope, bounded_receive, send)

    def _too_large(self) -> ApiError:
        self._refuse("size")
        most = self._settings.max_body_bytes
        return ApiError(413, f"the body has more than {most} bytes: shorten the text", headers=_CLOSE)

    def _knows(self, headers: dict[bytes, bytes]) -> bool:
        """Whether the request has one of the keys, compared in constant time."""
        kind, _, given = headers.get(b"authorization", b"").partition(b" ")
        digest = hashlib.sha256(given.strip()).digest()
        known = [hmac.compare_digest(digest, key) for key in self._keys]
        return kind.lower() == b"bearer" and any(known)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose client sends no headers, or does not take what it is sent."""

    patience_seconds = 10

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch a new connection."""
        super().connection_made(transport)
        self._waited = 0
        self._watch: asyncio.TimerHandle = self.loop.call_later(1, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        cycle: Any = self.cycle
        idle = cycle is None or cycle.response_complete or self.transport.is_closing()
        self._waited = self._waited + 1 if idle else 0
        if self._waited > self.patience_seconds:
            self.transport.abort()
        else:
            self._watch = self.loop.call_later(1, self._look)
