"""A disk fails while a checkpoint is written: each system call in turn, and a limit on the size of files."""

import errno
import os
import random
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import torch

from configs import InputError
from tests.faults.fault import Outcome, fault
from voices.checkpoint import checkpoint_path, load_checkpoint, save_checkpoint

_ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT)
_CALLS = ("os.fsync", "pathlib.Path.replace", "pathlib.Path.chmod", "tempfile.NamedTemporaryFile", "pathlib.Path.mkdir")


@contextmanager
def _failing(call: str, number: int) -> Iterator[None]:
    with mock.patch(call, side_effect=OSError(number, os.strerror(number))):
        yield


@contextmanager
def _limited(most: int) -> Iterator[None]:
    """Let no file be longer than so many bytes: a write comes to its end in the midst, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@fault(
    "disk full, read-only or failing during a save",
    goal="the previous checkpoint intact, a typed error, no leftovers",
    times=1000,
    times_in_ci=40,
)
def failing_disks(times: int, folder: Path) -> Outcome:
    """Let a save of a newer checkpoint, or of the same one, fail in every way."""
    chance, failures = random.Random(4), []
    state = {"weights": torch.arange(50_000.0)}
    old = checkpoint_path(folder, 1)
    save_checkpoint(old, state | {"step": 1})
    before, size = old.read_bytes(), old.stat().st_size
    ways: list[Callable[[], AbstractContextManager[None]]] = [lambda: _limited(chance.randrange(size))]
    ways += [partial(_failing, call, error) for call in _CALLS for error in _ERRORS]
    for number in range(times):
        try:
            with ways[number % len(ways)]():
                save_checkpoint(checkpoint_path(folder, 1 + number % 2), state | {"step": 2})
            failures.append(f"{number}: nothing failed")
        except InputError:
            pass
        except Exception as error:
            failures.append(f"{number}: {type(error).__name__}: {error}")
        if [path.name for path in folder.iterdir()] != [old.name] or old.read_bytes() != before:
            failures.append(f"{number}: {sorted(path.name for path in folder.iterdir())}")
    assert load_checkpoint(old)["step"] == 1
    return Outcome(f"{times - len(failures)} of {times} typed, the checkpoint intact, nothing left", failures)
