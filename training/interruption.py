"""Ctrl-C, SIGTERM and SIGHUP as a request to stop after the current step, so that the run is saved first."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from configs import InputError

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# One request may arrive more than once: a closed terminal is told by the kernel and by the shell, Ctrl-C under torchrun
# by the terminal and by torchrun. Who asks again later means it.
_SAME_REQUEST_SECONDS = 1.0


class Interrupted(KeyboardInterrupt):
    """Somebody asked to stop during work of which nothing would be lost."""


@dataclass
class StopRequest:
    """Whether the run shall stop: because of a signal, or because its metrics cannot be written any more."""

    signal_number: int | None = None
    fault: InputError | None = None
    _can_wait: bool = field(default=True, repr=False)

    def __bool__(self) -> bool:
        return self.signal_number is not None or self.fault is not None

    @contextmanager
    def cutting_short(self) -> Iterator[None]:
        """Do work that ends in the midst of it as soon as somebody asks to stop.

        Raises:
            Interrupted: somebody did, before or meanwhile.
        """
        self._can_wait = False
        try:
            if self:
                raise Interrupted
            yield
        finally:
            self._can_wait = True

    def note(self, number: int) -> None:
        """Take a signal.

        Raises:
            Interrupted: what is being done can end at once.
        """
        self.signal_number = number
        if not self._can_wait:
            self._can_wait = True
            raise Interrupted


@contextmanager
def listening_for_stop(now: Callable[[], float] = time.monotonic) -> Iterator[StopRequest]:
    """Collect the first Ctrl-C, SIGTERM or SIGHUP; a second one, unless it is the same, acts as if nobody listened.

    Meanwhile no output is lost with an error: the terminal may be gone, or the program that output is piped to.
    """
    request, asked_at = StopRequest(), 0.0
    # Under nohup, SIGHUP is ignored, and shall be.
    numbers = [each for each in _SIGNALS if each == signal.SIGINT or signal.getsignal(each) is not signal.SIG_IGN]
    usual = {number: signal.getsignal(number) for number in numbers}

    def take(number: int, _frame: FrameType | None) -> None:
        nonlocal asked_at
        if request.signal_number is None:
            asked_at = now()
            with suppress(OSError):  # Not print: the signal may have come in the midst of one.
                os.write(2, b"stopping after this step, to save it; once more stops at once\n")
            request.note(number)
        elif number in (signal.SIGINT, signal.SIGTERM) and now() - asked_at > _SAME_REQUEST_SECONDS:
            for each, handler in usual.items():
                signal.signal(each, handler)
            signal.raise_signal(number)

    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Unbreakable(stream) for stream in streams)
    for number in numbers:
        signal.signal(number, take)
    try:
        yield request
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        sys.stdout, sys.stderr = streams


class Unbreakable:
    """An output stream that goes nowhere once its terminal is gone, or the program that reads it.

    Args:
        stream: such as sys.stdout.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or drop what nobody can read."""
        with self._surviving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop what nobody can read."""
        with self._surviving():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EPIPE):
                raise
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a string
                os.dup2(nowhere.fileno(), self._stream.fileno())
