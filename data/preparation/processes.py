"""Work in processes of its own: what a native library kills costs one item, and that item is known.

Each process answers for one item after the other, so the first item without an answer is the one at which it died.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Generic, TypeVar

from configs import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_PER_TASK = 16
# On Linux a fork costs milliseconds. Elsewhere a new interpreter takes a second, and forking is not safe.
STARTS_QUICKLY = sys.platform == "linux"


class _Worker(Generic[Item, Result]):
    """A process, and the items that it has not yet answered for, by their places."""

    def __init__(
        self, context: BaseContext, begin: Callable[[], Callable[[Item], Result]], others: Sequence[Connection]
    ) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        inherited = [self.connection, *others] if context.get_start_method() == "fork" else []
        self.process = context.Process(  # type: ignore[attr-defined]
            target=_answer, args=(theirs, begin, inherited), daemon=True
        )
        self.process.start()
        theirs.close()
        self.waiting: deque[tuple[int, Item]] = deque()

    def give(self, items: Sequence[tuple[int, Item]]) -> None:
        """Send items to work on."""
        self.waiting.extend(items)
        with contextlib.suppress(OSError):  # a dead one shows when its answer is asked for
            self.connection.send([item for _, item in items])

    def end(self) -> None:
        """End the process, whatever it does."""
        self.connection.close()
        self.process.kill()
        self.process.join()


def in_processes(
    begin: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    *,
    processes: int,
    died: Callable[[Item, int], Result],
) -> Iterator[Result]:
    """Work on items in so many processes; the results come in the order of the items.

    Args:
        begin: called once in each process, gives what works on an item; can be pickled where processes are not forked.
        items: to work on.
        processes: how many.
        died: the result of an item at which its process died, from the item and the exit code: a negative one is that
            of a signal. What it raises ends the work.

    Raises:
        InputError: the work on an item raised it. Other exceptions are those of the process: it dies.
    """
    context = multiprocessing.get_context("fork" if STARTS_QUICKLY else "spawn")
    starts = iter(range(0, len(items), ITEMS_PER_TASK))
    workers: list[_Worker[Item, Result]] = []

    def task() -> list[tuple[int, Item]]:
        start = next(starts, len(items))
        return list(enumerate(items[start : start + ITEMS_PER_TASK], start))

    def started(work: Sequence[tuple[int, Item]]) -> None:
        if work:
            workers.append(_Worker(context, begin, [worker.connection for worker in workers]))
            workers[-1].give(work)

    results: dict[int, Result] = {}
    upcoming = 0
    try:
        for _ in range(processes):
            started(task())
        while workers:
            by_connection = {worker.connection: worker for worker in workers}
            for ready in wait(list(by_connection)):
                worker = by_connection[ready]  # type: ignore[index]
                try:
                    result = worker.connection.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    worker.process.join()
                    place, item = worker.waiting.popleft()
                    results[place] = died(item, worker.process.exitcode or 0)
                    worker.end()
                    started(list(worker.waiting) or task())
                    continue
                if isinstance(result, InputError):
                    raise result
                results[worker.waiting.popleft()[0]] = result
                if not worker.waiting:
                    worker.give(task())
                if not worker.waiting:
                    workers.remove(worker)
                    worker.end()
            while upcoming in results:
                yield results.pop(upcoming)
                upcoming += 1
    finally:
        for worker in workers:
            worker.end()


def _answer(
    connection: Connection, begin: Callable[[], Callable[[Item], Result]], inherited: Sequence[Connection]
) -> None:
    """The life of a process; it ends when the one that started it is gone, at the latest after the present item."""
    for other in inherited:  # else nobody's end would show
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group, and the parent sees to it
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
