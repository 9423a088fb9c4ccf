"""What is known of the server while it runs: metrics for Prometheus, and a log of one JSON object a line.

The log has no texts unless the settings ask for them.
"""

import json
import logging
import sys
import time
import warnings
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from serving.speech import Speech
from serving.workers import Job, WorkerPool

LOGGER = logging.getLogger("serving")

_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
_FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


@dataclass
class Answered:
    """How a request for speech went."""

    interface: str  # openai, piper or wyoming
    speech: Speech
    started: float = field(default_factory=time.monotonic)
    first_seconds: float | None = None  # until the first bytes
    status: int = 0  # of HTTP, and likewise for Wyoming; 499 where the client has left
    error: str = ""

    @property
    def seconds(self) -> float:
        """Since the request."""
        return time.monotonic() - self.started

    def begin(self, status: int = 200) -> None:
        """Note that the first bytes are there."""
        self.first_seconds, self.status = self.seconds, status


class Metrics:
    """Counters, gauges and histograms of one server.

    Args:
        pool: whose queue is shown.
    """

    def __init__(self, pool: WorkerPool) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a gauge more for each of these
        registry = self.registry = CollectorRegistry()
        self._requests = Counter("parlance_requests", "Requests for speech", ("interface", "status"), registry=registry)
        self._refusals = Counter("parlance_refusals", "Requests that were refused", ("reason",), registry=registry)
        self._audio = Counter("parlance_audio_seconds", "Seconds of audio", ("voice",), registry=registry)
        self._work = Counter("parlance_work_seconds", "Seconds of work of the threads", ("voice",), registry=registry)
        self._first = Histogram(
            "parlance_first_byte_seconds", "Time to the first byte", ("interface",), buckets=_SECONDS, registry=registry
        )
        self._total = Histogram(
            "parlance_request_seconds", "Time to the last byte", ("interface",), buckets=_SECONDS, registry=registry
        )
        self._factor = Histogram(
            "parlance_real_time_factor", "Seconds of work for a second of audio", buckets=_FACTORS, registry=registry
        )
        Gauge("parlance_queue_length", "Requests that wait for a thread", registry=registry).set_function(
            lambda: max(0, pool.admitted - pool.busy)
        )
        Gauge("parlance_busy_workers", "Threads that work", registry=registry).set_function(lambda: pool.busy)

    def text(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self.registry)

    def refuse(self, reason: str) -> None:
        """Count a request that was refused before any work."""
        self._refusals.labels(reason).inc()

    def note(self, answered: Answered, job: Job) -> None:
        """Count a request that was worked on."""
        self._requests.labels(answered.interface, str(answered.status)).inc()
        voice, audio = answered.speech.named.name, answered.speech.audio_seconds
        self._audio.labels(voice).inc(audio)
        self._work.labels(voice).inc(job.work_seconds)
        if answered.first_seconds is not None:
            self._first.labels(answered.interface).observe(answered.first_seconds)
        if answered.status == 200:
            self._total.labels(answered.interface).observe(answered.seconds)
            if audio:
                self._factor.observe(job.work_seconds / audio)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def start_log() -> None:
    """Write what this server and uvicorn have to say to standard error.

    Warnings of synthesis quote texts, and are left out.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    for name, level in (("serving", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    warnings.simplefilter("ignore")


def log_answer(answered: Answered, *, texts: bool) -> None:
    """Log how a request for speech went."""
    speech = answered.speech
    fields: dict[str, object] = {
        "interface": answered.interface,
        "status": answered.status,
        "voice": speech.named.name,
        "format": speech.format,
        "characters": len(speech.text),
        "sentences": speech.tally.sentences,
        "audio_seconds": round(speech.audio_seconds, 3),
        "first_byte_seconds": None if answered.first_seconds is None else round(answered.first_seconds, 3),
        "seconds": round(answered.seconds, 3),
    }
    if texts:
        fields |= {"text": speech.text, "error": answered.error}
    LOGGER.info("speech", extra={"fields": fields})
