"""Many texts, a file each: every core speaks, and a text that cannot be spoken is named while the others are made.

Each process loads the voice, to compute with one thread, so that no core waits for another. (Two threads of one
process were as fast as two processes; of many, Python's lock would let only a few run at once.)
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
from speaking.text_file import decoded_text

# What stands before the first | is a name, if it can be that of a file.
_NAMED = re.compile(r"\s*([\w-][\w.-]{0,99})\s*\|(.*)")

SpeakLine = Callable[["Line"], float]  # writes the file of a line, returns its seconds


@dataclass(frozen=True)
class Line:
    """One text of many."""

    number: int  # in its file, from 1
    name: str  # of the file to make, without a suffix
    text: str


@dataclass(frozen=True)
class Outcome:
    """What became of a line."""

    line: Line
    seconds: float = 0.0  # of audio
    warnings: tuple[str, ...] = ()
    error: str = ""  # empty where a file was made


def read_lines(path: Path) -> list[Line]:
    """The lines of a file, each a text or `name|text`; empty ones are passed over. Without a name it is the number.

    Raises:
        InputError: the file cannot be read, has nothing in it, or gives a name twice.
    """
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    texts = decoded_text(content, str(path)).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines: dict[str, Line] = {}
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        named = _NAMED.fullmatch(text)
        line = Line(number, named[1], named[2].strip()) if named else Line(number, f"{number:04}", text.strip())
        other = lines.setdefault(line.name.lower(), line)  # some disks do not tell capitals from small letters
        if other is not line:
            raise InputError(f"{path}: lines {other.number} and {number} would both make the file {line.name!r}")
    if not lines:
        raise InputError(f"{path}: has no lines to speak")
    return list(lines.values())


def speak_lines(
    lines: Sequence[Line], prepare: Callable[[], SpeakLine], *, jobs: int, preload: Sequence[str] = ()
) -> Iterator[Outcome]:
    """Speak lines in so many processes; outcomes come as they are ready.

    Args:
        lines: to speak.
        prepare: called once in every process; can be pickled.
        jobs: how many processes.
        preload: modules that are imported once for all of them, where the platform can.

    Raises:
        InputError: a process was killed.
    """
    # The longest first, so that no process is left alone with one at the end.
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


def speak_and_tell(
    lines: Sequence[Line], prepare: Callable[[], SpeakLine], *, source: Path, jobs: int, preload: Sequence[str] = ()
) -> bool:
    """Speak lines, tell of each that fails as it does, and at the end how fast it went.

    Args:
        lines: to speak.
        prepare: as `speak_lines`.
        source: their file, for messages.
        jobs: how many processes.
        preload: as `speak_lines`.

    Returns:
        Whether all lines were spoken.
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
    """How processes are started: never as forks of this one, which has threads and so might wait for ever."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *preload])
    return context


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_speak_line: SpeakLine


def _begin(prepare: Callable[[], SpeakLine]) -> None:
    global _speak_line
    _speak_line = prepare()


def _speak(line: Line) -> Outcome:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            seconds = _speak_line(line)
        except InputError as error:
            return Outcome(line, error=str(error))
    return Outcome(line, seconds, tuple(str(warning.message) for warning in caught))
