"""Feeding: the same batches in the same order however they are made, and an honest count of the waiting."""

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from data.bucket_batch_sampler import BucketBatchSampler
from data.clips import Clip
from data.prefetcher import ClipsInMemory, Prefetcher, clip_source, endless

HOUSE = Path(__file__).resolve().parents[2]


def clips(count: int) -> list[Clip]:
    lengths = np.random.default_rng(0).integers(300, 5000, count)
    ids = np.array([1, 0, 2])
    return [Clip(f"clip{place}", "", ids, np.zeros(length, np.int16), 0) for place, length in enumerate(lengths)]


def ours() -> list[threading.Thread]:
    """Threads of feeds that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


class SlowSourceClock:
    """A clock that a source and whoever takes its items move by hand.

    With `making` above 0, an item is made only after it was asked for: while somebody waits.
    """

    def __init__(self, making: float) -> None:
        self.now, self.making, self.asked = 0.0, making, threading.Semaphore(0)
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        now = self.now
        if self.reads % 2:  # before the waiting; every second reading is after it
            self.asked.release()
        return now

    def items(self) -> Iterator[int]:
        for item in itertools.count():
            if self.making:
                self.asked.acquire()
                self.now += self.making
            yield item


@pytest.mark.parametrize(("making", "share"), [(9.0, 0.9), (0.0, 0.0)])
def test_the_share_of_waiting_is_that_of_making_what_nobody_made_ahead(making: float, share: float) -> None:
    clock = SlowSourceClock(making)
    feed = Prefetcher(ahead=1, clock=clock)
    items = feed.through(clock.items())
    for item in itertools.islice(items, 20):
        assert item * (making + 1) + making == clock.now
        clock.now += 1  # a step
    assert feed.waited_seconds / clock.now == pytest.approx(share)
    clock.asked.release(10)
    items.close()


@pytest.mark.parametrize("ahead", [1, 2, 7, 100])
def test_order_and_content_do_not_depend_on_how_far_ahead_they_are_made(ahead: int) -> None:
    assert list(Prefetcher(ahead=ahead).through(iter(range(50)))) == list(range(50))


def test_no_more_is_made_ahead_than_was_said() -> None:
    made = threading.Semaphore(0)
    count = 0

    def source() -> Iterator[int]:
        nonlocal count
        for item in itertools.count():
            count += 1
            made.release()
            yield item

    items = Prefetcher(ahead=3).through(source())
    assert next(items) == 0
    for _ in range(4):  # the one that was taken, and three ahead
        assert made.acquire(timeout=600)
    assert not made.acquire(timeout=0.1)
    assert count == 4
    items.close()


def test_what_is_made_ahead_is_made_while_the_taker_works() -> None:
    first, second = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 0
        first.set()
        yield 1
        second.set()

    items = Prefetcher(ahead=2).through(source())
    next(items)
    assert first.wait(600)  # nobody asked for the second item
    assert second.wait(600)  # nor for the end


def test_an_exception_comes_in_its_turn_and_ends_the_thread() -> None:
    def source() -> Iterator[int]:
        yield from (0, 1)
        raise ValueError("the third is broken")

    items = Prefetcher(ahead=5).through(source())
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ValueError, match="the third is broken"):
        next(items)
    assert not ours()


def test_closing_waits_for_the_item_that_is_being_made_and_makes_no_more() -> None:
    begun, may_end, went_on = threading.Event(), threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 0
        begun.set()
        may_end.wait(600)
        yield 1
        went_on.set()

    items = Prefetcher().through(source())
    next(items)
    assert begun.wait(600)
    threading.Timer(0.1, may_end.set).start()
    items.close()
    assert may_end.is_set()
    assert not went_on.is_set()
    assert not ours()


def test_what_is_forgotten_unfinished_leaves_no_thread() -> None:
    items = Prefetcher().through(itertools.count())
    next(items)
    assert ours()
    del items
    assert not ours()


LEFT_OPEN = """
import itertools, sys
from data.prefetcher import Prefetcher
items = Prefetcher().through(itertools.count())
print(next(items), flush=True)
"""

WAITING = """
import signal, time
from data.prefetcher import Prefetcher
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts tests in the background has switched it off
def source():
    yield 0
    print("waiting", flush=True)
    time.sleep(1.5)
    yield 1
for item in Prefetcher().through(source()):
    pass
"""


def test_a_program_that_leaves_a_prefetcher_open_ends() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN], cwd=HOUSE, capture_output=True, text=True, timeout=600, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "0\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_control_c_reaches_a_program_that_waits_for_data() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=600)
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_prefetching_draws_from_no_generator_of_the_run() -> None:
    corpus = clips(40)
    source = ClipsInMemory(corpus, BucketBatchSampler([len(clip.audio) for clip in corpus], [1000, 9000], 4, 7))
    before = [torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()]  # noqa: NPY002
    batches = Prefetcher().through(endless(source, 0))
    for _ in range(25):
        next(batches)
    batches.close()
    assert before == [torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()]  # noqa: NPY002


def test_starting_at_a_step_is_skipping_to_it() -> None:
    source = clip_source(
        clips(50), hop_length=10, bounds=(100, 300), batch_size=4, max_frames=1200, seed=3, rank=1, ranks=2
    )
    whole = [[clip.id for clip in batch] for batch in itertools.islice(endless(source, 0), 4 * len(source))]
    assert len({str(batch) for batch in whole}) > 3 * len(source)  # epochs differ
    for step in range(3 * len(source)):
        rest = [[clip.id for clip in batch] for batch in itertools.islice(endless(source, step), len(source) + 1)]
        assert rest == whole[step : step + len(source) + 1]


def test_ranks_share_the_clips_of_an_epoch() -> None:
    corpus = clips(41)
    each = [
        clip_source(corpus, hop_length=10, bounds=(100, 300), batch_size=4, max_frames=None, seed=3, rank=rank, ranks=2)
        for rank in range(2)
    ]
    assert len(each[0]) == len(each[1]) == 6
    seen = [clip.id for source in each for batch in source.batches(0) for clip in batch]
    assert set(seen) == {clip.id for clip in corpus}
    assert len(seen) < len(corpus) + 5
