"""Items that kill their process cost themselves alone, and the results keep their order."""

import faulthandler
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from data.preparation.processes import STARTS_QUICKLY, in_processes

pytestmark = pytest.mark.skipif(not STARTS_QUICKLY, reason="needs processes that start quickly, as forks on Linux")


def begin() -> Callable[[int], int]:
    return work


def work(item: int) -> int:
    """Negative numbers kill the process by the signal of that number, 1000 leaves it."""
    if item < 0:
        faulthandler.disable()  # which pytest has enabled, and which would print where it crashed
        signal.signal(-item, signal.SIG_DFL) if -item not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -item)
        time.sleep(60)
    if item == 1000:
        os._exit(7)
    if item == 2000:
        raise InputError("the disk is full")
    return 2 * item


def died(item: int, code: int) -> int:
    return code


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 999), st.sampled_from([-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGBUS])
        ),
        max_size=60,
    ),
    st.integers(1, 3),
)
def test_every_item_has_its_own_result_in_its_own_place(items: list[int], processes: int) -> None:
    expected = [2 * item if item >= 0 else item for item in items]
    assert list(in_processes(begin, items, processes=processes, died=died)) == expected


def test_a_library_that_leaves_the_process_costs_its_item() -> None:
    assert list(in_processes(begin, [1, 1000, 3], processes=1, died=died)) == [2, 7, 6]


def test_what_ends_the_work_ends_its_processes() -> None:
    def refuse(item: int, code: int) -> int:
        raise InputError(f"item {item} died by {code}")

    for items, told in (([1, -9, *range(200)], "item -9 died by -9"), ([1, 2000, *range(200)], "the disk is full")):
        results = in_processes(begin, items, processes=3, died=refuse)
        with pytest.raises(InputError, match=told):
            list(results)
    assert not multiprocessing.active_children()


def test_many_items_keep_their_order_whatever_they_take() -> None:
    def slow() -> Callable[[int], int]:
        chance = random.Random(os.getpid())

        def wait(item: int) -> int:
            time.sleep(chance.uniform(0, 0.002))
            return item

        return wait

    assert list(in_processes(slow, range(500), processes=4, died=died)) == list(range(500))
