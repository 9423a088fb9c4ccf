"""Ctrl-C and SIGTERM as a request to stop after the current step, so that the run is saved first."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopRequest:
    """Whether somebody asked the run to stop, and how."""

    signal_number: int | None = None

    def __bool__(self) -> bool:
        return self.signal_number is not None


@contextmanager
def listening_for_stop() -> Iterator[StopRequest]:
    """Collect the first Ctrl-C or SIGTERM; a second one acts as if nobody listened."""
    request = StopRequest()
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: FrameType | None) -> None:
        request.signal_number = number
        for each, handler in usual.items():
            signal.signal(each, handler)
        # Not print: the signal may have come in the middle of one.
        os.write(2, b"stopping after this step, to save it; once more stops at once\n")

    for number in usual:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
