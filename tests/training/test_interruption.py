"""A request to stop: who may make it, how often it may arrive, and what does not wait for it."""

import os
import pty
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs import InputError
from training.interruption import Interrupted, StopRequest, Unbreakable, listening_for_stop

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Whatever a test does to the handlers is undone."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    assert {number: signal.getsignal(number) for number in numbers} == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_is_a_request_and_no_end(number: signal.Signals) -> None:
    with listening_for_stop() as stop:
        assert not stop
        signal.raise_signal(number)
        assert stop.signal_number == number


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_request_that_arrives_several_times_is_one(first: signal.Signals) -> None:
    clock = Clock()
    with listening_for_stop(clock) as stop:
        signal.raise_signal(first)
        clock.seconds += 0.5
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGHUP):
            signal.raise_signal(number)
        clock.seconds += 1000
        signal.raise_signal(signal.SIGHUP)  # a terminal that is gone asks for nothing more
        assert stop.signal_number == first


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as usual, although whoever started the tests may have it ignored, as a shell does in the background."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.usefixtures("ctrl_c")
def test_who_asks_again_later_means_it() -> None:
    clock = Clock()
    with listening_for_stop(clock):
        signal.raise_signal(signal.SIGTERM)
        clock.seconds += 1.5
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_under_nohup_a_hangup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening_for_stop() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_work_that_can_be_cut_short_ends_in_the_midst_of_it_and_other_work_does_not() -> None:
    done = []

    def work(stop: StopRequest, *, asked: bool) -> None:
        with stop.cutting_short():
            done.append("begun")
            if asked:
                signal.raise_signal(signal.SIGTERM)
            done.append("whole")

    with listening_for_stop() as stop:
        work(stop, asked=False)
        for asked in (True, False):
            with pytest.raises(Interrupted):
                work(stop, asked=asked)
        signal.raise_signal(signal.SIGTERM)
        done.append("saved")
    assert done == ["begun", "whole", "begun", "saved"]


def test_a_fault_is_a_reason_to_stop_too() -> None:
    assert StopRequest(fault=InputError("the disk is full"))
    assert StopRequest(signal.SIGTERM)
    assert not StopRequest()


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    terminal, ours = pty.openpty()
    with os.fdopen(ours, "w") as file:
        stream = Unbreakable(file)
        os.close(terminal)
        for _ in range(3):
            print("who reads this?", file=stream, flush=True)


def test_a_pipe_without_a_reader_ends_nothing_and_another_error_does() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as file:
        print("who reads this?", file=Unbreakable(file), flush=True)
    with Path("/dev/full").open("w") as full:
        with pytest.raises(OSError, match="No space left"):
            print("a full disk", file=Unbreakable(full), flush=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


def test_a_signal_is_heard_where_nothing_can_be_written_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    kept = os.dup(2)
    os.dup2(writer, 2)
    try:
        with listening_for_stop() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(writer)
