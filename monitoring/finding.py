"""Findings and the rules that make them, and how figures are written in their sentences."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from monitoring.curves import Curve
from monitoring.run import Run

Severity = Literal["ok", "notice", "problem"]


@dataclass(frozen=True)
class Finding:
    """A finding of the diagnosis, in one sentence or a few, with the figures behind it.

    A `problem` keeps a run from giving a usable voice, a `notice` costs quality or time, `ok` is as it should be.
    """

    rule: str
    severity: Severity
    sentence: str


Rule = Callable[[Run], Finding | None]


def rule(find: Callable[[Run], tuple[Severity, str] | None]) -> Rule:
    """Make a rule of a function that returns severity and sentence, or None; the finding has the function's name."""

    @functools.wraps(find)
    def named(run: Run) -> Finding | None:
        found = find(run)
        return None if found is None else Finding(find.__name__, *found)

    return named


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{share:.0%}".replace("%", " %")


def steps_of(curve: Curve, last_step: int) -> str:
    """The window that a curve covers: "the last 2000 steps"."""
    return f"the last {max(last_step - int(curve.steps[0]), 1)} steps"


def in_words(rules: Iterable[str]) -> str:
    """The names of rules as text: "KL exploding, mel stuck"."""
    return ", ".join(rule.replace("_", " ").replace("kl ", "KL ") for rule in rules)
