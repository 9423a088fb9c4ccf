"""The HTTP application: OpenAI's speech API, Piper's, the page, health and metrics.

OpenAI: platform.openai.com/docs/api-reference/audio/createSpeech. Piper: `piper.http_server` of piper-tts 1.8.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp

from configs.command_line import version
from serving.answer import SpokenResponse, error_response
from serving.encoding import media_type
from serving.gate import Gate
from serving.observing import LOGGER, Answered, Metrics, log_answer
from serving.page import make_page
from serving.requests import MODELS, ApiError, PiperRequest, SpeechRequest
from serving.settings import ServingSettings
from serving.speech import Speech
from serving.voice_list import NamedVoice, VoiceList
from serving.wav import whole_wav
from serving.workers import Job, QueueFullError, WorkerPool


@dataclass
class Service:
    """What the interfaces share."""

    voices: VoiceList
    settings: ServingSettings
    pool: WorkerPool
    metrics: Metrics
    draining: bool = False  # since SIGTERM

    def submit(self, interface: str, speech: Speech) -> tuple[Job, Answered]:
        """Admit a request.

        Raises:
            ApiError: the queue is full, or the server is about to end.
        """
        answered = Answered(interface, speech)
        try:
            if self.draining:
                raise QueueFullError(round(self.settings.drain_seconds))
            return self.pool.submit(replace(speech, others_wait=lambda: self.pool.waiting > 0).steps()), answered
        except QueueFullError as error:
            self.metrics.refuse("queue")
            headers = {"Retry-After": str(error.retry_after)}
            raise ApiError(429, str(error), code="queue_full", headers=headers) from error

    def done(self, answered: Answered, job: Job) -> None:
        """Count and log a request."""
        self.metrics.note(answered, job)
        log_answer(answered, texts=self.settings.log_texts)


def make_app(service: Service, keys: Sequence[bytes] = ()) -> ASGIApp:
    """The application.

    Args:
        service: what it serves.
        keys: SHA-256 of each API key; without one, none is asked for.
    """
    app = FastAPI(title="Parlance", version=version(), docs_url=None, redoc_url=None)
    _handle_errors(app, service)
    _add_openai(app, service)
    _add_piper(app, service)
    _add_health(app, service)
    page = make_page(service.voices, service.settings)

    @app.get("/", response_class=HTMLResponse)
    async def index() -> HTMLResponse:
        return HTMLResponse(page.content, headers=page.headers)

    gate = Gate(app, service.settings, keys, service.metrics.refuse)
    if not service.settings.cors:
        return gate
    origins, headers = list(service.settings.cors), ["Authorization", "Content-Type"]
    return CORSMiddleware(gate, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=headers)


def _add_openai(app: FastAPI, service: Service) -> None:
    started = int(time.time())

    @app.post("/v1/audio/speech", response_class=Response)
    async def speech(body: SpeechRequest) -> Response:
        speech = body.speech(service.voices, service.settings)
        kinds = {"sse": "text/event-stream", "json": "application/json"}
        headers = {"X-Sample-Rate": str(speech.encoded_rate), "Cache-Control": "no-store"}
        return SpokenResponse(
            *service.submit("openai", speech),
            service.done,
            media_type=kinds.get(speech.form) or media_type(speech.format, speech.encoded_rate),
            seconds=service.settings.request_seconds,
            headers=headers,
        )

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_model(name, started) for name in MODELS]}

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        if name not in MODELS:
            raise ApiError(404, f"there is no such model: ask for {MODELS[0]}", param="model", code="model_not_found")
        return _model(name, started)

    @app.get("/v1/audio/voices")
    async def voices() -> dict[str, Any]:
        return {"object": "list", "voices": service.voices.names, "data": [one.described() for one in service.voices]}


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "parlance"}


def _add_piper(app: FastAPI, service: Service) -> None:
    @app.post("/", response_class=Response)
    @app.post("/synthesize", response_class=Response)
    async def synthesize(request: Request) -> Response:
        content = await request.body()
        try:
            asked = _piper_request(content)
        except (ValidationError, ValueError) as error:
            raise ApiError(400, f"the body is neither a JSON object with a text, nor a text: {_why(error)}") from error
        speech = asked.speech(service.voices, service.settings)
        job, answered = service.submit("piper", speech)
        return SpokenResponse(
            job,
            answered,
            service.done,
            pieces=whole_wav(job, speech.named.voice.sample_rate),
            media_type="audio/wav",
            seconds=service.settings.request_seconds,
        )

    @app.get("/voices")
    async def voices() -> dict[str, Any]:
        return {one.name: _piper_voice(one) for one in service.voices}


def _piper_request(content: bytes) -> PiperRequest:
    """The request in JSON, or as its text alone, which older versions take."""
    if content.lstrip().startswith(b"{"):
        return PiperRequest.model_validate_json(content)
    return PiperRequest(text=content.decode("utf-8"))


def _piper_voice(named: NamedVoice) -> dict[str, Any]:
    """What clients read of a voice's .onnx.json."""
    config = named.voice.config
    return {
        "audio": {"sample_rate": config.audio.sample_rate},
        "espeak": {"voice": config.data.language},
        "language": asdict(named.language),
        "inference": {
            "noise_scale": config.speaking.noise_scale,
            "length_scale": 1 / config.speaking.speed,
            "noise_w": config.speaking.duration_noise_scale,
        },
        "num_speakers": max(1, len(named.speakers)),
        "speaker_id_map": {name: index for index, name in enumerate(named.speakers)},
    }


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        state = {"status": "draining" if service.draining else "ready", "version": version()}
        return JSONResponse(state, 503 if service.draining else 200)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _handle_errors(app: FastAPI, service: Service) -> None:
    def handler(convert: Callable[[Any], ApiError]) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handle(_: Request, error: Exception) -> Response:
            failure = convert(error)
            if failure.status in (400, 404):
                service.metrics.refuse("invalid")
            return error_response(failure)

        return handle

    def unexpected(error: Exception) -> ApiError:
        LOGGER.error("a bug of the server", exc_info=error)
        return ApiError(500, "the server has failed; its log says why", code="internal_error")

    app.add_exception_handler(ApiError, handler(lambda error: error))
    app.add_exception_handler(RequestValidationError, handler(_invalid))
    app.add_exception_handler(HTTPException, handler(_refused))
    app.add_exception_handler(Exception, handler(unexpected))


def _invalid(error: RequestValidationError) -> ApiError:
    """The first fault of a body, which names the field."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return ApiError(400, f"the body is not JSON: {fault['ctx']['error']}", code="invalid_json")
    place = [str(part) for part in _places(fault["loc"])]
    name = ".".join(place)
    message = f"{name or 'the body'}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
    return ApiError(400, message, param=place[0] if place else None, code=str(fault["type"]))


def _places(place: Iterable[Any]) -> list[Any]:
    return [part for part in place if part != "body" and part not in ("str", "_VoiceId", "int")]


def _refused(error: HTTPException) -> ApiError:
    headers = dict(error.headers or {})
    return ApiError(error.status_code, str(error.detail), code=None, headers=headers)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip()
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
