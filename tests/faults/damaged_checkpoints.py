"""Checkpoints are damaged, cut short, or made to run code or to hold something else under the right checksum."""

import os
import random
from pathlib import Path
from typing import Any

import torch

from configs import InputError
from tests.faults.fault import Outcome, fault
from voices.checkpoint import load_checkpoint, save_checkpoint


def _state() -> dict[str, Any]:
    weights = {"a": torch.arange(2000.0), "b": torch.ones(3, dtype=torch.int64)}
    return {"step": 7, "average": weights, "symbols": "{}", "speakers": [], "config": {}, "best": {}, "ranks": [{}]}


def _told(path: Path) -> str:
    """How a checkpoint is refused; empty where it is loaded."""
    try:
        load_checkpoint(path)
    except InputError as error:
        return str(error)
    return ""


def _unseen(path: Path, contents: list[bytes]) -> Outcome:
    failures = []
    for number, content in enumerate(contents):
        path.write_bytes(content)
        if str(path) not in _told(path):
            failures.append(f"damage {number} was not found")
    return Outcome(f"{len(contents) - len(failures)} of {len(contents)} found", failures)


@fault("a flipped bit in a checkpoint", goal="all found before use", times=1000, times_in_ci=40)
def flipped_bits(times: int, folder: Path) -> Outcome:
    path, chance = folder / "00000007.pt", random.Random(1)
    save_checkpoint(path, _state())
    whole, contents = path.read_bytes(), []
    for _ in range(times):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        contents.append(bytes(damaged))
    return _unseen(path, contents)


@fault("a checkpoint that is cut short", goal="all found before use", times=200, times_in_ci=20)
def truncations(times: int, folder: Path) -> Outcome:
    path, chance = folder / "00000007.pt", random.Random(2)
    save_checkpoint(path, _state())
    whole = path.read_bytes()
    return _unseen(path, [whole[: chance.randrange(len(whole))] for _ in range(times)])


class _Hostile:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


@fault("code in a checkpoint of the right SHA", goal="none is run, all refused", times=20, times_in_ci=20)
def hostile_pickles(times: int, folder: Path) -> Outcome:
    path, mark, failures = folder / "00000007.pt", folder / "executed", []
    calls: tuple[tuple[Any, ...], ...] = (
        (os.system, f"touch {mark}"),
        (eval, f"open({str(mark)!r}, 'w')"),
        (exec, f"open({str(mark)!r}, 'w')"),
        (open, str(mark), "w"),
    )
    for number in range(times):
        hostile = _Hostile(*calls[number % len(calls)])
        name = ("step", "config", "../../etc/passwd", "average", "a\0b")[number % 5]
        save_checkpoint(path, _state() | {name: hostile})
        if str(path) not in _told(path) or mark.exists():
            failures.append(f"{calls[number % len(calls)][0].__name__} in {name!r} was loaded")
    return Outcome(f"{times - len(failures)} of {times} refused, none run", failures)
