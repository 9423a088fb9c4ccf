"""Steps whose gradients were not finite: which batch each was made on, so that the step can be made again.

Whether a step was one is known on the device. Nothing waits for it: what is known of the newest steps is kept until a
report reads the device anyway. A record is a file of JSON, `broken_steps/STEP.json` in the run folder.
"""

import base64
import json
import math
import re
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs import Config, InputError, dump_config, parse_config
from configs.atomic_file import replacing
from configs.errors import note
from models.finite_weights import first_not_finite, tensors_in
from training.ranks import Ranks
from training.updates import is_usable
from voices.checkpoint import list_checkpoints

_MOST_STEPS = 1000  # between two reports; of more, the newest
_MOST_AT_ONCE = 20  # records of one report: the first ones show what went wrong
_MOST_RECORDS = 200  # files of one run; of more, the newest
_DIVERGED = "training diverged before step"


@dataclass(frozen=True)
class BrokenStep:
    """A step whose gradients were not finite, as one rank made it."""

    step: int  # as in metrics.jsonl: the first one is 1
    ids: tuple[str, ...]  # of the recordings
    noise: tuple[Tensor, ...]  # `training.random_state.noise_state` before the step
    gradient_norms: Mapping[str, float]  # by network, over all ranks


@dataclass(frozen=True)
class BrokenStepRecord:
    """The file of a broken step, as one rank reads it."""

    broken: BrokenStep
    config: Config  # of the run at that step
    from_seed: bool  # whether the weights before the step follow from the settings alone


@dataclass(frozen=True)
class _Step:
    step: int
    ids: tuple[str, ...]
    noise: tuple[Tensor, ...]
    names: tuple[str, ...]  # of the networks that were updated
    norms: Tensor  # [networks], on the device


class RecentSteps:
    """The steps since the last report."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque(maxlen=_MOST_STEPS)

    def add(self, step: int, ids: Sequence[str], noise: Sequence[Tensor], norms: Mapping[str, Tensor]) -> None:
        """Take a step that was just made.

        Args:
            step: its number; the first one is 1.
            ids: of its recordings.
            noise: the state of the random generators before it.
            norms: of the gradients of each network, 0-d, on the device; they may be overwritten by the next step.
        """
        self._steps.append(_Step(step, tuple(ids), tuple(noise), tuple(norms), torch.stack(list(norms.values()))))

    def read(self) -> list[BrokenStep]:
        """Those whose gradients were not finite, the first ones first; waits for the device once, and starts anew."""
        if not self._steps:
            return []
        norms = torch.cat([step.norms for step in self._steps])  # of all steps, one after the other
        read = torch.stack((norms, is_usable(norms).to(norms))).cpu()
        broken = []
        for step, of_step in zip(
            self._steps, read.split([len(step.names) for step in self._steps], dim=1), strict=True
        ):
            own, usable = of_step.tolist()
            if not all(usable):
                broken.append(BrokenStep(step.step, step.ids, step.noise, dict(zip(step.names, own, strict=True))))
        self._steps.clear()
        return broken[:_MOST_AT_ONCE]


def report_broken_steps(
    recent: RecentSteps, folder: Path, ranks: Ranks, config: Config, *, from_seed: bool, quiet: bool
) -> None:
    """Record which of the newest steps had gradients that are not finite, and say so for the first.

    Args:
        recent: the steps since the last report.
        folder: of the run.
        ranks: the processes that train together.
        config: of the run.
        from_seed: whether the run came from its first step to here without a stop, and began with random weights.
        quiet: whether to record only.
    """
    broken = recent.read()  # the same on all ranks, since gradients are added over them
    if not broken:
        return
    of_ranks, step = ranks.gather(broken), broken[0].step
    if not ranks.is_first:
        return
    try:
        write_records(folder, of_ranks, config, from_seed=from_seed)
    except InputError as error:  # a run is worth more than its records
        note(f"step {step} was skipped, and is not recorded: {error}")
        return
    if not quiet:
        note(
            f"the gradients of step {step} are not finite: it was skipped; the operation where that began is found by "
            f"python train.py --replay {folder} {step}"
        )


def refuse_broken_weights(state: Mapping[str, Any], folder: Path, *, step: int) -> None:
    """Refuse weights and moments that are NaN or infinite before they are written.

    Args:
        state: of networks and optimizers, by name.
        folder: of the run.
        step: updates made so far.

    Raises:
        InputError: there are some.
    """
    broken = first_not_finite(tensors_in(state))
    if broken is not None:
        raise InputError(f"{_DIVERGED} {step}: {broken} is NaN or infinite, and is not saved; {_advice(folder)}")


def refuse_stalled(networks: Sequence[str], folder: Path, *, step: int) -> None:
    """End a run whose updates are all skipped.

    Args:
        networks: those that have not been updated for a long time.
        folder: of the run.
        step: updates made so far.

    Raises:
        InputError: there are some.
    """
    if networks:
        raise InputError(
            f"{_DIVERGED} {step}: the gradients of the {' and the '.join(networks)} have been NaN or "
            f"infinite for many steps; {_advice(folder)}"
        )


def diverged_before(sentence: str) -> int | None:
    """The step before which a run diverged, as the error that ended it says; None where it ended otherwise."""
    found = re.match(rf"{_DIVERGED} (\d+): ", sentence)
    return None if found is None else int(found[1])


def _advice(folder: Path) -> str:
    newest = list_checkpoints(folder / "checkpoints")[-1:]
    return (
        f"the newest checkpoint is {newest[0] if newest else 'none'}; lower train.learning_rate, or set "
        "train.max_gradient_norm or train.precision=fp32"
    )


def write_records(folder: Path, of_ranks: Sequence[Sequence[BrokenStep]], config: Config, *, from_seed: bool) -> None:
    """Write a file for each broken step.

    Args:
        folder: of the run.
        of_ranks: the same steps, as each rank made them.
        config: of the run.
        from_seed: whether the run came from its first step to here without a stop, and began with random weights.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    for parts in zip(*of_ranks, strict=True):
        record = {
            "step": parts[0].step,
            "seed": config.run.seed,
            "from_seed": from_seed,
            "gradient_norms": {
                name: norm if math.isfinite(norm) else str(norm) for name, norm in parts[0].gradient_norms.items()
            },
            "ranks": [
                {
                    "ids": part.ids,
                    "noise": [base64.b64encode(state.numpy().tobytes()).decode() for state in part.noise],
                }
                for part in parts
            ],
            "config": dump_config(config),
        }
        with replacing(_path(folder, parts[0].step)) as file:
            file.write(json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))
    for path in _records(folder)[:-_MOST_RECORDS]:
        path.unlink(missing_ok=True)


def read_record(folder: Path, step: int, *, rank: int = 0, ranks: int = 1) -> BrokenStepRecord:
    """Read what was recorded of a step.

    Args:
        folder: of the run.
        step: its number.
        rank: whose part of it.
        ranks: who replay it together.

    Raises:
        InputError: the step was not recorded, the record is damaged, or as many processes as ranks did not make it.
    """
    path = _path(folder, step)
    if not path.is_file():
        steps = ", ".join(str(int(record.stem)) for record in _records(folder))
        raise InputError(
            f"{path}: there is no such record; steps of {folder} whose gradients were not finite: {steps or 'none'}"
        )
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        parts = record["ranks"]
        part = parts[rank if rank < len(parts) else 0]
        noise = [torch.from_numpy(np.frombuffer(base64.b64decode(state), np.uint8).copy()) for state in part["noise"]]
        norms = {str(name): float(norm) for name, norm in record["gradient_norms"].items()}
        broken = BrokenStep(int(record["step"]), tuple(map(str, part["ids"])), tuple(noise), norms)
        read = BrokenStepRecord(
            broken, parse_config(tomllib.loads(record["config"]), source=str(path)), record["from_seed"]
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({error}): it cannot be replayed") from error
    if len(parts) != ranks:
        raise InputError(
            f"{path}: step {step} was made by {len(parts)} processes, and these are {ranks}: start as many"
        )
    return read


def newest_record(folder: Path) -> int | None:
    """The last step that was recorded, if any was."""
    return next((int(path.stem) for path in reversed(_records(folder))), None)


def _records(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "broken_steps").glob("*.json") if path.stem.isdigit())


def _path(folder: Path, step: int) -> Path:
    return folder / "broken_steps" / f"{step:08d}.json"
