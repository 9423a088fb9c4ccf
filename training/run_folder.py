"""A run's folder: that one process trains in it, and that it begins or goes on from what is there."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from configs import Config, InputError, dump_config
from configs.atomic_file import replacing
from voices.checkpoint import checkpoint_path, list_checkpoints, save_checkpoint


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


def save_config(folder: Path, config: Config) -> None:
    """Write the resolved settings of a run.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    with replacing(folder / "config.toml") as file:
        file.write(dump_config(config).encode())


def save_elsewhere(name: str, state: dict[str, Any], config: Config) -> Path | None:
    """Save a run that its own folder has no room for in the folder for temporary files.

    Args:
        name: of the run.
        state: of the training.
        config: its settings.

    Returns:
        A folder that the run can be resumed from; None where it cannot be written either.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    except OSError:
        return None
    try:
        save_config(folder, config)
        save_checkpoint(checkpoint_path(folder / "checkpoints", state["step"]), state)
    except InputError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return folder
