"""A process pool in which a crash of a native library costs one item, and that item is known.

`concurrent.futures` breaks the whole pool and does not say at which item a process died. Here each process answers for
one item after the other, so it died at the first item without an answer.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from configs import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_PER_TASK = 16
# On Linux a fork costs milliseconds. Elsewhere a new interpreter takes a second, and forking is not safe.
STARTS_QUICKLY = sys.platform == "linux"


def in_processes(
    begin: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    *,
    processes: int,
    died: Callable[[Item, int], Result],
) -> Iterator[Result]:
    """Map a function over items in several processes; the results come in the order of the items.

    Args:
        begin: called once in each process, returns the function; must be picklable where processes are not forked.
        items: its arguments.
        processes: how many.
        died: the result of an item at which its process died, from the item and the exit code (negative: a signal). An
            exception in it ends the work.

    Raises:
        InputError: the function raised it. Any other exception kills the process.
    """
    pool = _Pool(begin, items)
    results: dict[int, Result] = {}
    upcoming = 0
    try:
        for _ in range(processes):
            pool.start(pool.task())
        while pool.workers:
            for worker in pool.ready():
                index, result = pool.receive(worker, died)
                results[index] = result
            while upcoming in results:
                yield results.pop(upcoming)
                upcoming += 1
    finally:
        for worker in pool.workers:
            worker.end()


class _Worker(Generic[Item, Result]):
    """A process, and the items that it has not answered yet, with their indices."""

    def __init__(self, begin: Callable[[], Callable[[Item], Result]], others: Sequence[Connection]) -> None:
        context = multiprocessing.get_context("fork" if STARTS_QUICKLY else "spawn")
        self.connection, theirs = multiprocessing.Pipe()
        inherited = [self.connection, *others] if STARTS_QUICKLY else []
        self.process = context.Process(  # type: ignore[attr-defined]
            target=_answer, args=(theirs, begin, inherited), daemon=True
        )
        self.process.start()
        theirs.close()
        self.waiting: deque[tuple[int, Item]] = deque()

    def give(self, items: Sequence[tuple[int, Item]]) -> None:
        """Send items to work on."""
        self.waiting.extend(items)
        with contextlib.suppress(OSError):  # a dead process shows when its answer is received
            self.connection.send([item for _, item in items])

    def end(self) -> None:
        """Kill the process."""
        self.connection.close()
        self.process.kill()
        self.process.join()


class _Pool(Generic[Item, Result]):
    """The processes that are at work, and the items that none has been given yet."""

    def __init__(self, begin: Callable[[], Callable[[Item], Result]], items: Sequence[Item]) -> None:
        self.workers: list[_Worker[Item, Result]] = []
        self._begin, self._items = begin, items
        self._starts = iter(range(0, len(items), ITEMS_PER_TASK))

    def task(self) -> list[tuple[int, Item]]:
        """The next items with their indices; none if all have been given."""
        start = next(self._starts, len(self._items))
        return list(enumerate(self._items[start : start + ITEMS_PER_TASK], start))

    def start(self, work: Sequence[tuple[int, Item]]) -> None:
        """Start a process, if there is work for it."""
        if work:
            self.workers.append(_Worker(self._begin, [worker.connection for worker in self.workers]))
            self.workers[-1].give(work)

    def ready(self) -> list[_Worker[Item, Result]]:
        """Wait for the processes that have an answer, or have died."""
        by_connection = {worker.connection: worker for worker in self.workers}
        return [by_connection[connection] for connection in wait(list(by_connection))]  # type: ignore[index]

    def receive(self, worker: _Worker[Item, Result], died: Callable[[Item, int], Result]) -> tuple[int, Result]:
        """The index and the result of the process's next item; the process then gets more work, or ends."""
        try:
            result = worker.connection.recv()
        except (EOFError, OSError):
            self.workers.remove(worker)
            worker.process.join()
            index, item = worker.waiting.popleft()
            worker.end()
            result = died(item, worker.process.exitcode or 0)
            self.start(list(worker.waiting) or self.task())
            return index, result
        if isinstance(result, InputError):
            raise result
        index, _ = worker.waiting.popleft()
        if not worker.waiting:
            worker.give(self.task())
        if not worker.waiting:
            self.workers.remove(worker)
            worker.end()
        return index, result


def _answer(
    connection: Connection, begin: Callable[[], Callable[[Item], Result]], inherited: Sequence[Connection]
) -> None:
    """Main loop of a process; it ends when its parent is gone, at the latest after the present item."""
    for other in inherited:  # an open copy would hide that a connection has ended
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent handles it
    try:
        work = begin()
        while True:
            for item in connection.recv():
                try:
                    connection.send(work(item))
                except InputError as error:
                    connection.send(error)
    except (EOFError, OSError):
        os._exit(1)
