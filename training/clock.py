"""Where the time of a run goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Measures the parts of a run between one report and the next.

    Args:
        waited: returns for how many seconds, so far, steps have waited for data.
        now: returns the time, in seconds.
        processor: returns the processor time of this process and its threads, in seconds.
    """

    def __init__(
        self,
        waited: Callable[[], float],
        now: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._waited, self._now, self._processor = waited, now, processor
        self._started, self._waited_before, self._processor_before = now(), waited(), processor()
        self._aside = {"validation": 0.0, "saving": 0.0}  # seconds
        self._processor_aside = 0.0

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count what is done inside as `validation` or `saving`."""
        started, processor_started = self._now(), self._processor()
        try:
            yield
        finally:
            self._aside[part] += self._now() - started
            self._processor_aside += self._processor() - processor_started

    def read(self, steps: int) -> dict[str, float]:
        """Seconds per step, and the share of each part of the time; after which measuring starts again.

        What validation and saving took is in neither of the seconds per step. Those of the processor are the same
        however busy the machine is with other work, and more than the others where several threads compute.

        Args:
            steps: made since the last reading.
        """
        now, waited = self._now(), self._waited()
        whole = max(now - self._started, 1e-9)
        parts = {"data": waited - self._waited_before, **self._aside}
        training = max(whole - sum(parts.values()), 0.0)
        processor = self._processor()
        computed = processor - self._processor_before - self._processor_aside
        self._started, self._waited_before, self._processor_before = now, waited, processor
        self._aside, self._processor_aside = dict.fromkeys(self._aside, 0.0), 0.0
        shares = {f"time/{part}": seconds / whole for part, seconds in {"training": training, **parts}.items()}
        return {
            "throughput/seconds_per_step": (training + parts["data"]) / steps,
            "throughput/processor_seconds_per_step": computed / steps,
            **shares,
        }
