"""Where the time of a run goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Measures the parts of a run between one report and the next.

    Args:
        waited: returns for how many seconds, so far, steps have waited for data.
        now: returns the time, in seconds.
    """

    def __init__(self, waited: Callable[[], float], now: Callable[[], float] = time.monotonic) -> None:
        self._waited, self._now = waited, now
        self._started, self._waited_before = now(), waited()
        self._aside = {"validation": 0.0, "saving": 0.0}  # seconds

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count what is done inside as `validation` or `saving`."""
        started = self._now()
        try:
            yield
        finally:
            self._aside[part] += self._now() - started

    def read(self, steps: int) -> dict[str, float]:
        """Seconds per step, and the share of each part of the time; after which measuring starts again.

        Args:
            steps: made since the last reading.
        """
        now, waited = self._now(), self._waited()
        whole = max(now - self._started, 1e-9)
        parts = {"data": waited - self._waited_before, **self._aside}
        training = max(whole - sum(parts.values()), 0.0)
        self._started, self._waited_before = now, waited
        self._aside = dict.fromkeys(self._aside, 0.0)
        shares = {f"time/{part}": seconds / whole for part, seconds in {"training": training, **parts}.items()}
        return {"throughput/seconds_per_step": (training + parts["data"]) / steps, **shares}
