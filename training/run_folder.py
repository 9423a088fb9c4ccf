"""A run's folder: that one process trains in it, and that it begins or goes on from what is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from configs import InputError
from models.checkpoint import list_checkpoints


@contextmanager
def alone_in(folder: Path, *, step: int) -> Iterator[None]:
    """Keep other processes out of a run folder, and refuse one in which another has trained meanwhile.

    Args:
        folder: the run's.
        step: where training is to go on, as the folder said before it was locked.

    Raises:
        InputError: another process is training there, or did so in the time that it took to come here.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", blocking=False)
        lock.acquire()
    except Timeout as error:
        raise InputError(f"{folder}: another process is training here; wait for it, or give another run.dir") from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}): give another run.dir") from error
    try:
        newest = newest_step(folder)
        if newest > step:
            raise InputError(
                f"{folder}: another process has trained here to step {newest} while this one made ready to go on from "
                f"step {step}: continue with --resume {folder}, or give another run.dir"
            )
        yield
    finally:
        lock.release()


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint of a run; 0 where there is none."""
    checkpoints = list_checkpoints(folder / "checkpoints")
    return int(checkpoints[-1].stem) if checkpoints else 0


def refuse_begun(folder: Path) -> None:
    """Refuse to begin where a run was begun already.

    Raises:
        InputError: the folder holds a checkpoint.
    """
    if list_checkpoints(folder / "checkpoints"):
        raise InputError(
            f"{folder} holds a run at step {newest_step(folder)}: continue it with --resume {folder}, or give another "
            "folder with run.dir=..."
        )
