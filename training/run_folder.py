"""A run's folder: that one process trains in it, and that what goes on there is what was begun."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from configs import Config, InputError, differences, load_config, parse_config
from models.checkpoint import list_checkpoints, load_checkpoint

# What may differ when a run is resumed, because the checkpoint fits all the same: where and how long it runs, what it
# reports, how the voice speaks, and how the optimizers step. Of the last, a change is announced.
MAY_CHANGE = (
    *("run.dir", "run.device", "run.threads"),
    *("data.root", "data.format", "data.cache", "data.lexicon", "data.strict", "data.hold", "data.shards"),
    *("train.steps", "train.epochs", "train.report_every", "train.validate_every", "train.checkpoint_every"),
    *("train.keep_checkpoints", "train.spoken_sentences", "train.histograms", "train.execution", "train.channels_last"),
    *("speaking.noise_scale", "speaking.duration_noise_scale", "speaking.speed", "speaking.pause_seconds"),
)
MAY_CHANGE_ALOUD = (
    *("train.learning_rate", "train.learning_rate_decay", "train.warmup_steps", "train.weight_decay"),
    *("train.max_gradient_norm", "train.precision", "train.ema_decay"),
    *("train.reuse_real_features", "train.accumulate"),
)


@dataclass(frozen=True)
class Stopped:
    """A run that can go on."""

    config: Config  # the settings to go on with
    checkpoint: Path
    state: dict[str, Any]  # what the checkpoint holds
    changed: tuple[str, ...]  # settings that are not those it was trained with, and should be told


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a second process out of a run folder.

    Raises:
        InputError: another process is training there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", blocking=False):
            yield
    except Timeout as error:
        raise InputError(f"{folder}: another process is training here; wait for it, or give another run.dir") from error


def refuse_begun(folder: Path) -> None:
    """Refuse to begin where a run was begun already.

    Raises:
        InputError: the folder holds a checkpoint.
    """
    checkpoints = list_checkpoints(folder / "checkpoints")
    if checkpoints:
        raise InputError(
            f"{folder} holds a run at step {int(checkpoints[-1].stem)}: continue it with --resume {folder}, or give "
            "another folder with run.dir=..."
        )


def read_stopped(folder: Path, overrides: Sequence[str], *, processes: int) -> Stopped:
    """Read a run's newest checkpoint, and with which settings it goes on.

    Args:
        folder: the run's.
        overrides: `section.key=value` lines for what is to be otherwise from here on.
        processes: how many are to train.

    Raises:
        InputError: there is no run, its checkpoint is damaged, or it does not fit the settings or the processes.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such run folder")
    checkpoints = list_checkpoints(folder / "checkpoints")
    if not checkpoints:
        raise InputError(f"{folder}: there is no checkpoint in it to resume from; start the run again without --resume")
    config = load_config(folder / "config.toml", [*overrides, f"run.dir={folder}"])
    path = checkpoints[-1]
    state = load_checkpoint(path)
    changed = differences(parse_config(state["config"], source=str(path)), config, ignore=MAY_CHANGE)
    unfit = [change for change in changed if not change.startswith(MAY_CHANGE_ALOUD)]
    if unfit:
        raise InputError(
            f"{path} was trained with other settings ({'; '.join(unfit)}): put them back, or start a new run with "
            "another run.dir"
        )
    if "ranks" not in state:
        raise InputError(f"{path}: was written by an older version of the program: go on with that, or start a new run")
    if len(state["ranks"]) != processes:
        raise InputError(
            f"{path} was trained by {len(state['ranks'])} processes, and these are {processes}: start as many again "
            f"(torchrun --nproc-per-node {len(state['ranks'])} train.py --resume {folder}), or start a new run"
        )
    return Stopped(config, path, state, tuple(changed))
