"""Workers advance every request, none for long while others wait, and none that nobody reads."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from serving import workers
from serving.workers import Job, QueueFullError, WorkerPool
from tests.serving.running import SECONDS


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await test

    asyncio.run(bounded())


@asynccontextmanager
async def pool_of(threads: int, waiting: int) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(threads, waiting)
    try:
        yield pool
    finally:
        await asyncio.to_thread(pool.close)


async def read(job: Job) -> list[bytes]:
    return [piece async for piece in job]


async def idle(pool: WorkerPool) -> None:
    while pool.busy or pool.waiting:
        await asyncio.sleep(0.005)


def test_pieces_arrive_in_their_order_and_then_what_was_raised() -> None:
    def steps() -> Iterator[bytes]:
        yield from (bytes([place]) for place in range(100))
        raise ValueError("after a hundred")

    async def test() -> None:
        async with pool_of(2, 0) as pool:
            job = pool.submit(steps())
            pieces = aiter(job)
            assert [await anext(pieces) for _ in range(100)] == [bytes([place]) for place in range(100)]
            with pytest.raises(ValueError, match="after a hundred"):
                await anext(pieces)
            assert pool.admitted == 0

    run(test())


def test_no_more_are_admitted_than_may_wait_and_a_place_is_free_again_at_the_end() -> None:
    gate = threading.Event()

    def steps() -> Iterator[bytes]:
        gate.wait(SECONDS)
        yield b"x"

    async def test() -> None:
        async with pool_of(1, 2) as pool:
            jobs = [pool.submit(steps()) for _ in range(3)]
            with pytest.raises(QueueFullError) as caught:
                pool.submit(steps())
            assert caught.value.retry_after >= 1
            jobs[2].cancel()  # one that waits
            jobs.append(pool.submit(steps()))
            gate.set()
            assert [await read(job) for job in (jobs[0], jobs[1], jobs[3])] == [[b"x"]] * 3
            assert pool.admitted == 0

    run(test())


def test_a_long_request_does_not_delay_a_short_one_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_SLICE_SECONDS", 0.0)
    short_ended = threading.Event()

    def long() -> Iterator[bytes]:
        while not short_ended.is_set():
            yield b"l"

    async def test() -> None:
        async with pool_of(1, 1) as pool:
            first = asyncio.create_task(read(pool.submit(long())))
            assert await read(pool.submit(iter([b"s"]))) == [b"s"]
            short_ended.set()
            assert set(await first) == {b"l"}

    run(test())


def test_a_request_that_nobody_reads_takes_no_thread_and_a_bounded_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_BUFFER_BYTES", 100)
    made = 0

    def steps() -> Iterator[bytes]:
        nonlocal made
        for _ in range(50):
            made += 1
            yield b"x" * 10

    async def test() -> None:
        async with pool_of(1, 5) as pool:
            slow = pool.submit(steps())
            assert await read(pool.submit(iter([b"s"]))) == [b"s"]
            await idle(pool)
            assert made == 10
            assert b"".join(await read(slow)) == b"x" * 500  # and goes on as it is read

    run(test())


@pytest.mark.parametrize("when", ["waiting", "working", "parked"])
def test_a_cancelled_request_is_closed_within_a_step(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setattr(workers, "_BUFFER_BYTES", 100 if when == "parked" else 1 << 30)
    steps_made, closed, gate = threading.Semaphore(0), threading.Event(), threading.Event()

    def blocking() -> Iterator[bytes]:
        gate.wait(SECONDS)
        yield b""

    def endless() -> Iterator[bytes]:
        try:
            while True:
                steps_made.release()
                yield b"x" * 10
        finally:
            closed.set()

    async def test() -> None:
        async with pool_of(1, 5) as pool:
            other = pool.submit(blocking()) if when == "waiting" else None
            job = pool.submit(endless())
            if when == "parked":
                await asyncio.sleep(0)
                await idle(pool)
            elif when == "working":
                await asyncio.to_thread(steps_made.acquire)
            job.cancel()
            gate.set()
            await idle(pool)
            assert closed.is_set() == (when != "waiting")  # a generator that has not begun has nothing to close
            assert pool.admitted == (0 if other is None else len({other} & pool._jobs))
            assert await read(pool.submit(iter([b"s"]))) == [b"s"]

    run(test())


def test_closing_ends_every_thread() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b""

    async def test() -> None:
        pool = WorkerPool(3, 5)
        for _ in range(5):
            pool.submit(endless())
        await asyncio.to_thread(pool.close)
        assert not any(thread.is_alive() for thread in pool._threads)

    run(test())
