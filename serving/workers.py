"""The work of the server: a pool of threads, a bounded queue before it, and a bounded buffer behind each request.

A `Job` is an iterator of bytes. Workers advance it, one at a time, for a slice of time, after which it goes to the end
of the queue if others wait: a long text delays a short one by no more than a slice. A job whose reader is slow is
parked when its buffer is full, and takes no worker until it is read.

Threads, since what computes (ONNX Runtime, torch, the encoders) releases Python's lock. Requests are not batched: in
ONNX Runtime, eight sentences decoded together take as long as one after another (tests/benchmarks/RESULTS.md).
"""

import asyncio
import math
import queue
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

_SLICE_SECONDS = 0.25
_BUFFER_BYTES = 1 << 18  # of one request: six seconds of 16-bit samples at 22 050 Hz
_USUAL_SECONDS = 0.5  # of work for a request, until some have been measured
_RECENT = 0.1  # weight of the newest request in the mean


class QueueFullError(Exception):
    """The queue is full."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"all workers are busy and the queue is full: try again in {retry_after} s")
        self.retry_after = retry_after  # seconds


@dataclass(frozen=True)
class _End:
    error: Exception | None = None


class Job:
    """The work of one request.

    Args:
        pool: its pool.
        steps: yields bytes; advanced and closed by the workers only.
        loop: the event loop of the reader.
    """

    def __init__(self, pool: "WorkerPool", steps: Iterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._pool, self._steps, self._loop = pool, steps, loop
        self._lock = threading.Lock()
        self._read: asyncio.Queue[bytes | _End] = asyncio.Queue()
        self._buffered = 0  # bytes
        self._parked = self._cancelled = self._admitted = False
        self.work_seconds = 0.0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes, as they are made.

        Raises:
            Exception: what the steps have raised.
        """
        while not isinstance(item := await self._read.get(), _End):
            with self._lock:
                self._buffered -= len(item)
                parked = self._parked and 2 * self._buffered <= _BUFFER_BYTES
                self._parked &= not parked
            if parked:
                self._pool.resume(self)
            yield item
        if item.error is not None:
            raise item.error

    def cancel(self) -> None:
        """Stop the work at its next step, and give its place in the queue to others. May be called at any time."""
        with self._lock:
            self._cancelled = True
            parked, self._parked = self._parked, False
        self._pool.release(self)
        if parked:
            self._pool.resume(self)

    def advance(self) -> bool:
        """Work for a slice of time; returns whether there is more to do now."""
        started = time.monotonic()
        try:
            while True:
                with self._lock:
                    if self._cancelled:
                        break
                self._deliver(next(self._steps))
                with self._lock:
                    self._parked = self._buffered >= _BUFFER_BYTES and not self._cancelled
                    if self._parked:
                        return False
                if time.monotonic() - started > _SLICE_SECONDS and self._pool.waiting:
                    return True
        except StopIteration:
            self._deliver(_End())
        except Exception as error:  # is the reader's, whatever it is
            self._deliver(_End(error))
        finally:
            self.work_seconds += time.monotonic() - started
        close = getattr(self._steps, "close", None)
        if close is not None:
            close()
        self._pool.release(self, finished=not self._cancelled)
        return False

    def _deliver(self, item: bytes | _End) -> None:
        if isinstance(item, bytes):
            with self._lock:
                self._buffered += len(item)
        try:
            self._loop.call_soon_threadsafe(self._read.put_nowait, item)
        except RuntimeError:  # the loop is closed, and nobody reads any more
            self._cancelled = True


class WorkerPool:
    """Threads that advance jobs.

    Args:
        workers: number of threads.
        most_waiting: jobs that may wait for a thread.
    """

    def __init__(self, workers: int, most_waiting: int) -> None:
        self._most = workers + most_waiting
        self._lock = threading.Lock()
        self._jobs: set[Job] = set()  # admitted, and not finished or cancelled
        self._ready: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._seconds = _USUAL_SECONDS
        self.busy = 0  # threads
        self._threads = [threading.Thread(target=self._work, name=f"worker {n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def admitted(self) -> int:
        """Jobs that are not finished."""
        return len(self._jobs)

    @property
    def waiting(self) -> int:
        """Jobs that could be advanced if there were more threads."""
        return self._ready.qsize()

    def submit(self, steps: Iterator[bytes]) -> Job:
        """Admit the work of a request, from within the event loop of its reader.

        Raises:
            QueueFullError: as many requests as may are waiting already.
        """
        job = Job(self, steps, asyncio.get_running_loop())
        with self._lock:
            if len(self._jobs) >= self._most:
                raise QueueFullError(max(1, math.ceil(len(self._jobs) * self._seconds / len(self._threads))))
            self._jobs.add(job)
        self._ready.put(job)
        return job

    def resume(self, job: Job) -> None:
        """Put a job that was parked at the end of the queue."""
        self._ready.put(job)

    def release(self, job: Job, *, finished: bool = False) -> None:
        """Give the place of a job to others."""
        with self._lock:
            self._jobs.discard(job)
            if finished:
                self._seconds += _RECENT * (job.work_seconds - self._seconds)

    def close(self, seconds: float = 5.0) -> None:
        """Cancel all jobs and end the threads, which takes at most one step of each."""
        for job in list(self._jobs):
            job.cancel()
        for _ in self._threads:
            self._ready.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(1)  # of this thread
        while (job := self._ready.get()) is not None:
            with self._lock:
                self.busy += 1
            more = job.advance()
            with self._lock:
                self.busy -= 1
            if more:
                self._ready.put(job)
