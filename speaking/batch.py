"""Batch synthesis: many texts, one file each, in several processes; a text that fails does not stop the others.

Each process loads the voice and computes with one thread. (Two threads of one process were as fast as two processes;
with more threads Python's global lock becomes the limit.)
"""

import multiprocessing
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from configs import InputError
from text.file_encoding import decoded_text

# The part before the first | is a name, if it can be a file name.
_NAMED = re.compile(r"\s*([\w-][\w.-]{0,99})\s*\|(.*)")

SpeakLine = Callable[["BatchText"], float]  # writes the file of a line, returns the seconds of audio


@dataclass(frozen=True)
class BatchText:
    """One text of a batch."""

    number: int  # in its file, from 1
    name: str  # of the file, without suffix
    text: str


@dataclass(frozen=True)
class BatchOutcome:
    """Result of a line."""

    line: BatchText
    seconds: float = 0.0  # of audio
    warnings: tuple[str, ...] = ()
    error: str = ""  # empty where a file was made


def read_batch_file(path: Path) -> list[BatchText]:
    """Read lines, each a text or `name|text`; the default name is the line number, empty lines are skipped.

    Raises:
        InputError: the file cannot be read, has nothing in it, or gives a name twice.
    """
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    texts = decoded_text(content, str(path)).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines: dict[str, BatchText] = {}
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        named = _NAMED.fullmatch(text)
        line = (
            BatchText(number, named[1], named[2].strip()) if named else BatchText(number, f"{number:04}", text.strip())
        )
        other = lines.setdefault(line.name.lower(), line)  # some disks do not tell capitals from small letters
        if other is not line:
            raise InputError(f"{path}: lines {other.number} and {number} would both make the file {line.name!r}")
    if not lines:
        raise InputError(f"{path}: has no lines to speak")
    return list(lines.values())


def speak_lines(
    lines: Sequence[BatchText], prepare: Callable[[], SpeakLine], *, jobs: int, preload: Sequence[str] = ()
) -> Iterator[BatchOutcome]:
    """Synthesize lines in several processes.

    Args:
        lines: in any order.
        prepare: called once in each process; picklable.
        jobs: number of processes.
        preload: modules that are imported once for all processes, where the platform can.

    Yields:
        Outcomes, as they are ready.

    Raises:
        InputError: a process was killed.
    """
    # The longest first, so that no process is left with a long one at the end.
    ordered = sorted(lines, key=lambda line: -len(line.text))
    with ProcessPoolExecutor(min(jobs, len(lines)), _context(preload), initializer=_begin, initargs=(prepare,)) as pool:
        try:
            for future in as_completed([pool.submit(_speak, line) for line in ordered]):
                yield future.result()
        except BrokenProcessPool as error:
            raise InputError(
                "a process of the batch was killed, most likely because memory ran out: take fewer --jobs"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def speak_and_report(
    lines: Sequence[BatchText],
    prepare: Callable[[], SpeakLine],
    *,
    source: Path,
    jobs: int,
    preload: Sequence[str] = (),
) -> bool:
    """Synthesize lines, print warnings and errors as they come, and the throughput at the end.

    Args:
        lines: as `speak_lines`.
        prepare: as `speak_lines`.
        source: file of the lines, for messages.
        jobs: as `speak_lines`.
        preload: as `speak_lines`.

    Returns:
        Whether no line failed.
    """
    started, seconds, made = time.perf_counter(), 0.0, 0
    outcomes = speak_lines(lines, prepare, jobs=jobs, preload=preload)
    for outcome in tqdm(outcomes, total=len(lines), unit="line", delay=2, disable=None, leave=False):
        place = f"{source}, line {outcome.line.number}"
        for warning in outcome.warnings:
            tqdm.write(f"warning: {place}: {warning}", file=sys.stderr)
        if outcome.error:
            tqdm.write(f"error: {place}: {outcome.error}", file=sys.stderr)
        made += not outcome.error
        seconds += outcome.seconds
    took = time.perf_counter() - started
    print(f"{made} of {len(lines)} lines: {seconds:.1f} s of audio in {took:.1f} s, {seconds / took:.1f} s a second")
    return made == len(lines)


def _context(preload: Sequence[str]) -> multiprocessing.context.BaseContext:
    """The start method: never fork, because this process has threads, whose locks a fork would copy."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *preload])
    return context


def cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_speak_line: SpeakLine


def _begin(prepare: Callable[[], SpeakLine]) -> None:
    global _speak_line
    _speak_line = prepare()


def _speak(line: BatchText) -> BatchOutcome:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            seconds = _speak_line(line)
        except InputError as error:
            return BatchOutcome(line, error=str(error))
    return BatchOutcome(line, seconds, tuple(str(warning.message) for warning in caught))
