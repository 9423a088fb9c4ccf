"""The best validation of a run, whose weights training keeps in best.safetensors."""

import math
from dataclasses import dataclass
from typing import Literal

from monitoring.curves import Curves

Weights = Literal["averaged", "newest"]  # of the EMA, and without it; checkpoints have these words
GROUPS: dict[Weights, str] = {"averaged": "validation", "newest": "validation_newest"}  # of scalars
NAMES: dict[Weights, str] = {"averaged": "EMA weights", "newest": "raw weights"}  # for people


@dataclass(frozen=True)
class Best:
    """The validation with the lowest score, and of which weights."""

    step: int = 0
    score: float = math.inf  # nats
    weights: Weights = "averaged"

    def __str__(self) -> str:
        return f"step {self.step} ({self.score:.3g}, {NAMES[self.weights]})"


def best_of(curves: Curves, metric: str = "score") -> Best | None:
    """The lowest of all validations; of equal ones the earlier, then that of the EMA weights. None without any.

    Args:
        curves: of a run.
        metric: of the validation, in nats.
    """
    found = []
    for weights, group in GROUPS.items():
        if (curve := curves.get(f"{group}/{metric}")) and len(known := curve.known):
            lowest = int(known.values.argmin())
            found.append(Best(int(known.steps[lowest]), float(known.values[lowest]), weights))
    return min(found, key=lambda best: (best.score, best.step), default=None)
