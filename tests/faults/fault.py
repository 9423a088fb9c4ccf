"""A fault that is injected on purpose, how often, and what must hold afterwards: one row of the table.

A file in this folder adds a row with the decorator `fault`; nothing else has to know about it:

    @fault("a flipped bit in a checkpoint", goal="all found before use", times=1000, times_in_ci=100)
    def flipped_bits(times: int, folder: Path) -> Outcome:
        failures = [...]  # a sentence for each time the goal was missed
        return Outcome(f"{times - len(failures)} of {times} found", failures)
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_FAULTS: list["Fault"] = []


@dataclass(frozen=True)
class Outcome:
    """What was seen after a fault was injected a number of times."""

    figures: str  # as the table shows them
    failures: Sequence[str] = ()  # a sentence for each time the goal was missed


@dataclass(frozen=True)
class Fault:
    """One row of the table."""

    title: str
    goal: str  # the figure to reach
    times: int  # it is injected for the table
    times_in_ci: int  # it is injected in a test, which takes less than a minute
    slow: bool  # whether that test takes more than a few seconds
    inject: Callable[[int, Path], Outcome]  # so many times, in an empty folder

    @property
    def name(self) -> str:
        """What the command calls it."""
        return self.inject.__name__.replace("_", "-")


def fault(
    title: str, *, goal: str, times: int, times_in_ci: int, slow: bool = False
) -> Callable[[Callable[[int, Path], Outcome]], Callable[[int, Path], Outcome]]:
    """Make a row of the table of a function; see `Fault`."""

    def register(inject: Callable[[int, Path], Outcome]) -> Callable[[int, Path], Outcome]:
        _FAULTS.append(Fault(title, goal, times, times_in_ci, slow, inject))
        return inject

    return register


def all_faults() -> list[Fault]:
    """Every row, by the names of the files and their order in them."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith(("_", "test_")):
            importlib.import_module(f"tests.faults.{path.stem}")
    return list(_FAULTS)
