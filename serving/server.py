"""The life of the server: sockets, voices, workers, and an end that finishes what is being said."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Generator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from configs import InputError
from serving.command_line import ServeArguments
from serving.gate import BoundedProtocol
from serving.http_api import Service, make_app
from serving.observing import LOGGER, Metrics, start_log
from serving.settings import ServingSettings
from serving.voice_list import VoiceList, load_voices
from serving.workers import WorkerPool
from serving.wyoming_api import WyomingServer

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class HttpServer(uvicorn.Server):
    """uvicorn, whose signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@dataclass(frozen=True)
class Sockets:
    """What the server listens on."""

    http: socket.socket
    wyoming: socket.socket | None

    @classmethod
    def open(cls, settings: ServingSettings) -> "Sockets":
        """Open them, before anything that takes long.

        Raises:
            InputError: an address cannot be listened on.
        """
        http = _listen(settings.host, settings.port, "--port")
        if settings.wyoming_port is None:
            return cls(http, None)
        return cls(http, _listen(settings.host, settings.wyoming_port, "--wyoming-port"))


def http_server(app: ASGIApp, settings: ServingSettings) -> HttpServer:
    """Uvicorn with the bounds of the settings."""
    protocol = type("Protocol", (BoundedProtocol,), {"patience_seconds": settings.receive_seconds})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=round(settings.drain_seconds),
    )
    return HttpServer(config)


async def serve(arguments: ServeArguments) -> None:
    """Serve voices until SIGTERM or Ctrl-C, then finish what is being said.

    Raises:
        InputError: an address cannot be listened on, or a path has no voice.
    """
    sockets = Sockets.open(arguments.settings)
    voices = load_voices(arguments.voices, arguments.device)
    start_log()
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in _SIGNALS:
        with contextlib.suppress(NotImplementedError):  # of Windows
            loop.add_signal_handler(number, ending.set)
    await run(voices, arguments.settings, sockets, ending, arguments.keys)


async def run(
    voices: VoiceList,
    settings: ServingSettings,
    sockets: Sockets,
    ending: asyncio.Event,
    keys: tuple[bytes, ...] = (),
) -> None:
    """Serve loaded voices on open sockets until the event is set, then finish what is being said."""
    pool = WorkerPool(settings.workers, settings.queue)
    service = Service(voices, settings, pool, Metrics(pool))
    http = http_server(make_app(service, keys), settings)
    serving = asyncio.create_task(http.serve([sockets.http]))
    wyoming = WyomingServer(service)
    if sockets.wyoming is not None:
        await wyoming.start(sockets.wyoming)
    _announce(voices, sockets, keys)
    try:
        await asyncio.wait({serving, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED)
        LOGGER.info("draining", extra={"fields": {"requests": pool.admitted}})
        service.draining = http.should_exit = True
        await asyncio.gather(serving, wyoming.stop(settings.drain_seconds))
    finally:
        await asyncio.to_thread(pool.close)
    LOGGER.info("ended")


def _announce(voices: VoiceList, sockets: Sockets, keys: tuple[bytes, ...]) -> None:
    host, port = sockets.http.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    fields: dict[str, object] = {"url": f"http://{host}:{port}/", "voices": [one.name for one in voices]}
    if sockets.wyoming is not None:
        fields["wyoming"] = f"tcp://{host}:{sockets.wyoming.getsockname()[1]}"
    LOGGER.info("listening", extra={"fields": fields})
    if keys and sockets.wyoming is not None:
        LOGGER.warning("Wyoming has no API keys: whoever reaches its port may speak")


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        reason = str(error) if error.errno is None else os.strerror(error.errno)
        raise InputError(
            f"port {port} of {host} cannot be listened on ({reason}): give another with {option}"
        ) from error
