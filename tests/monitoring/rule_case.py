"""A case of a rule of the diagnosis: runs on both sides of a threshold, and the curves they are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring.diagnosis import Severity
from monitoring.run import Run
from tests.monitoring.pencil import STEPS, run_of

GAP = float("nan")


def after(step: float, value: float, before: float = 0.0) -> Callable[[Any], Any]:
    """A curve that jumps to a value after a step."""
    return lambda steps: np.where(steps > step, value, before)


def falling(height: float, share: float) -> Callable[[Any], Any]:
    """A curve that falls by this share after half of the run."""
    return lambda steps: np.where(steps > STEPS / 2 + 400, height - height * share, height)


def at(name: str) -> Callable[[float], Run]:
    """Good runs but for one curve, which has the same height at every step."""
    return lambda x: run_of({name: x})


@dataclass(frozen=True)
class Case:
    """A rule, a run for any height, and two heights with a threshold between them: what is said at each."""

    rule: str
    run: Callable[[float], Run]
    quiet: float
    loud: float
    severity: Severity  # at the loud one
    told: str
    less: Severity | None = None  # at the quiet one; None where nothing is said
