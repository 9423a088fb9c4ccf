"""What a study compares: an objective, perhaps with further settings and a name, such as `r1:hinge+loss.r1=1`."""

import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from configs import Config, InputError, differences, load_config
from configs.training import AdversarialObjectiveName

OBJECTIVES: tuple[str, ...] = get_args(AdversarialObjectiveName)

_BETWEEN_ARMS = re.compile(r",(?![^\[]*\])")  # a comma, but none in a list such as [1, 2]
_BETWEEN_SETTINGS = re.compile(r"\+(?=[a-z_]+\.)")  # a plus before section.key, but none in 1e+5
# What is the same for all, or the study would compare something else.
_SHARED = re.compile(r"(run|data|audio)\.|train\.(steps|epochs)\b")
_LONGEST_NAME = 80  # characters of a folder


@dataclass(frozen=True)
class Arm:
    """An objective with its settings."""

    name: str  # that it was given; otherwise the objective and its settings
    objective: str
    overrides: tuple[str, ...]  # section.key=value

    @property
    def folder_name(self) -> str:
        """The name as one of a folder; names that differ have folders that differ."""
        safe = re.sub(r"[^A-Za-z0-9_.+=-]", "_", self.name)[:_LONGEST_NAME]
        return safe if safe == self.name else f"{safe}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Budget:
    """What each run may cost: one of the two is None."""

    steps: int | None = None
    seconds: float | None = None  # of the processor, or of the GPU where there is one


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """One run of the study."""

    arm: Arm
    seed: int
    folder: Path
    settings: Path  # the file of all runs
    overrides: tuple[str, ...]  # of this run, in the order of their precedence
    config: Config

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.arm.name}, seed {self.seed}"


def read_arms(text: str) -> tuple[Arm, ...]:
    """Read the arms of a study: `least_squares,hinge,hinge+loss.r1=1,alone:least_squares+loss.feature_matching=0`.

    Raises:
        InputError: an objective is not known, an arm is given twice, or it sets what is the same for all.
    """
    arms = [_read_arm(part.strip()) for part in _BETWEEN_ARMS.split(text)]
    names = [arm.name for arm in arms]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InputError(f"--objectives: {repeated} is given twice: leave one out")
    return tuple(arms)


def _read_arm(text: str) -> Arm:
    label, colon, rest = text.partition(":")
    if not colon or "+" in label:  # a colon may be part of a value
        label, rest = "", text
    objective, *overrides = (part.strip() for part in _BETWEEN_SETTINGS.split(rest))
    if objective not in OBJECTIVES:
        nearest = difflib.get_close_matches(objective, OBJECTIVES, n=1, cutoff=0.0)[0]
        raise InputError(
            f"--objectives: {objective!r} is not an objective; the nearest one is {nearest} (all: "
            f"{', '.join(OBJECTIVES)}); settings follow after a plus, and a name may stand before a colon: "
            f"r1:{nearest}+loss.r1=1"
        )
    for override in overrides:
        if _SHARED.match(override):
            raise InputError(
                f"--objectives: {text} sets {override.partition('=')[0]}, which is the same for all runs of a study: "
                "give it after the settings file"
            )
    return Arm(label.strip() or "+".join((objective, *overrides)), objective, tuple(overrides))


def plan(
    settings: Path, overrides: tuple[str, ...], arms: tuple[Arm, ...], seeds: int, budget: Budget, output: Path
) -> list[PlannedRun]:
    """The runs of a study, seed by seed, so that a study that is cut has something of every arm.

    Args:
        settings: the file of the experiment.
        overrides: of all runs.
        arms: what is compared.
        seeds: how many runs of each.
        budget: of each run.
        output: folder of the study.

    Raises:
        InputError: a setting is wrong, or the folder of a run was begun with others.
    """
    fixed = next((one for one in overrides if re.match(r"run\.(seed|dir)\b|train\.(steps|epochs)\b", one)), None)
    if fixed is not None:
        raise InputError(f"{fixed}: a study sets that itself, by --seeds, --steps or --seconds, and -o")
    # By seconds, a run ends when it has had them; no number of steps ends it before.
    steps = budget.steps if budget.steps is not None else 10**9
    runs = []
    for seed in range(1, seeds + 1):
        for arm in arms:
            folder = output / "runs" / f"{arm.folder_name}-{seed}"
            own = (
                *overrides,
                f"loss.adversarial_objective={arm.objective}",
                *arm.overrides,
                *(f"run.dir={folder}", f"run.seed={seed}", f"train.steps={steps}"),
            )
            run = PlannedRun(arm, seed, folder, settings, own, load_config(settings, own))
            _refuse_others(run)
            runs.append(run)
    return runs


def _refuse_others(run: PlannedRun) -> None:
    """Refuse a folder whose run was begun with other settings."""
    stored = run.folder / "config.toml"
    if not stored.is_file():
        return
    begun, wanted = load_config(stored), run.config
    free = ["run.dir", "run.threads", "run.device", "train.steps"]
    if wanted.train.asked_batch_size == "auto":
        free.append("train.asked_batch_size")  # a number by now
    changed = differences(begun, wanted, ignore=free)
    if changed:
        raise InputError(
            f"{run.folder} was begun with other settings ({'; '.join(changed)}): give the study another folder with -o"
        )
