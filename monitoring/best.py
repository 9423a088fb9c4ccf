"""Which weights of a run were best: those that training keeps in best.safetensors."""

import math
from dataclasses import dataclass
from typing import Literal

from monitoring.curves import Curves

Weights = Literal["averaged", "newest"]
GROUPS: dict[Weights, str] = {"averaged": "validation", "newest": "validation_newest"}  # of scalars


@dataclass(frozen=True)
class Best:
    """The validation with the lowest score, and of which weights."""

    step: int = 0
    score: float = math.inf  # nats
    weights: Weights = "averaged"

    def __str__(self) -> str:
        return f"step {self.step} ({self.score:.3g}, {self.weights} weights)"


def best_of(curves: Curves, measure: str = "score") -> Best | None:
    """The best of all validations, of equals the earlier and then the averaged weights; None where there is none.

    Args:
        curves: of a run.
        measure: the scalar of the validations whose least value, in nats, is best.
    """
    found = []
    for weights, group in GROUPS.items():
        if (curve := curves.get(f"{group}/{measure}")) and len(known := curve.known):
            lowest = int(known.values.argmin())
            found.append(Best(int(known.steps[lowest]), float(known.values[lowest]), weights))
    return min(found, key=lambda best: (best.score, best.step), default=None)
