"""Runs that are small enough to be broken many times."""

from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from tests.embedded import make_embedded_corpus
from tests.shared_folder import shared_folder
from tests.short_runs import SMALLER

HOUSE = Path(__file__).resolve().parents[2]
# Of the server whose forks save and train: the first fault that needs it starts it for all.
PRELOADED = ["tests.faults.killed_saves", "tests.faults.long_runs", "tests.faults.stops", "torch._dynamo"]
_CLIPS = 12


def tiny_corpus(folder: Path) -> list[str]:
    """Make a corpus of a few clips in a folder; return the settings file and the settings that train on it.

    In a test session all have one, which no test changes, and what is prepared of it.
    """
    folder = (shared_folder() or folder) / "tiny"
    folder.mkdir(exist_ok=True)
    root = folder / "embedded"
    with FileLock(folder / "lock"):
        if not root.exists():
            make_embedded_corpus(root, clips=_CLIPS)
    return [
        str(HOUSE / "configs" / "tiny.toml"),
        *(f"data.root={root}", f"data.cache={folder / 'cache'}", "data.validation_clips=2", "run.device=cpu"),
        *("train.batch_size=2", "train.report_every=1", "train.validate_every=1000", "train.checkpoint_every=1000"),
        *("train.spoken_sentences=1", "train.segment_samples=2048", *SMALLER),
    ]


def differing(first: Any, second: Any, path: str = "") -> list[str]:
    """Where two states are not equal to the bit."""
    if isinstance(first, torch.Tensor):
        return [] if first.dtype == second.dtype and torch.equal(first, second) else [path]
    if isinstance(first, dict):
        if first.keys() != second.keys():
            return [f"{path}: {sorted(map(str, first.keys() ^ second.keys()))}"]
        return [each for key in first for each in differing(first[key], second[key], f"{path}.{key}")]
    if isinstance(first, list | tuple):
        if len(first) != len(second):
            return [path]
        pairs = enumerate(zip(first, second, strict=True))
        return [each for place, (one, other) in pairs for each in differing(one, other, f"{path}.{place}")]
    return [] if first == second else [path]


def lasting(state: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint without what depends on the clock or on the folder."""
    config = {section: dict(values) for section, values in state["config"].items()}
    for name in ("steps", "checkpoint_every", "validate_every"):
        config["train"].pop(name)
    config["run"].pop("dir")
    return {name: value for name, value in state.items() if name != "seconds"} | {"config": config}
