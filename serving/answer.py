"""The answer to a request for speech: bytes as the workers make them, for as long as the client listens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from configs import InputError
from serving.observing import LOGGER, Answered
from serving.requests import ApiError
from serving.workers import Job

_CANCELLED = 499  # what nginx calls the status of a client that has left


class SpokenResponse(Response):
    """Sends what a job makes; the status is known once its first bytes are there.

    Args:
        job: its work.
        answered: to be completed.
        done: called at the end, with both.
        pieces: what is sent; None is what the job makes.
        media_type: of the bytes.
        seconds: longest time until the last byte.
        headers: of the answer.
    """

    def __init__(
        self,
        job: Job,
        answered: Answered,
        done: Callable[[Answered, Job], None],
        *,
        pieces: AsyncIterator[bytes] | None = None,
        media_type: str,
        seconds: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers=headers, media_type=media_type)
        del self.headers["content-length"]
        self._job, self._answered, self._done, self._seconds = job, answered, done, seconds
        self._pieces = aiter(job) if pieces is None else pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, until it ends, the client leaves, or the time is over."""
        sending = asyncio.ensure_future(self._send(scope, receive, send))
        leaving = asyncio.ensure_future(_leave(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            else:
                self._answered.status = _CANCELLED
        finally:
            self._job.cancel()
            for task in (sending, leaving):
                task.cancel()
            self._done(self._answered, self._job)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._seconds - (time.monotonic() - self._answered.started)
        try:
            async with asyncio.timeout(left):
                await self._stream(send)
        except (ApiError, InputError, TimeoutError) as error:
            self._answered.error = str(error)
            if self._answered.first_seconds is not None:
                # Without an end, for which uvicorn closes the connection, so that the client knows.
                self._answered.status = 500
                LOGGER.warning("an answer is cut off", extra={"fields": {"reason": type(error).__name__}})
                return
            failure = _failure(error)
            self._answered.status = failure.status
            await error_response(failure)(scope, receive, send)

    async def _stream(self, send: Send) -> None:
        async for piece in self._pieces:
            if not piece:
                continue
            if self._answered.first_seconds is None:
                self._answered.begin()
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def error_response(error: ApiError) -> JSONResponse:
    """An error in OpenAI's form."""
    return JSONResponse(error.content(), error.status, error.headers)


def _failure(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, TimeoutError):
        return ApiError(429, "the server is too busy: try again", code="timeout", headers={"Retry-After": "10"})
    return ApiError(400, str(error), param="input", code="cannot_be_spoken")


async def _leave(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
