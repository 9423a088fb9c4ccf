"""The curves of a run as its metrics.jsonl has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs import InputError


@dataclass(frozen=True, eq=False)
class Curve:
    """One scalar over the run: N points, whose steps rise."""

    steps: NDArray[np.int64]  # [N]
    values: NDArray[np.float64]  # [N], NaN where the value was NaN or infinite

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def known(self) -> "Curve":
        """The points whose value is a number."""
        return self.where(np.isfinite(self.values))

    @property
    def median(self) -> float:
        """The median of the values."""
        return float(np.median(self.values))

    def where(self, chosen: NDArray[np.bool_]) -> "Curve":
        """The chosen points [N]."""
        return Curve(self.steps[chosen], self.values[chosen])

    def between(self, after: float, until: float) -> "Curve":
        """The points whose step is above `after` and not above `until`."""
        return self.where((self.steps > after) & (self.steps <= until))

    def last(self, points: int) -> "Curve":
        """The last points, `points` of them where there are so many."""
        return Curve(self.steps[-points:], self.values[-points:])


Curves = Mapping[str, Curve]


def read_curves(metrics: Path) -> dict[str, Curve]:
    """Every scalar of a metrics.jsonl, and the seconds of training, by name.

    A last line that was cut off is left out: a run was killed in the middle of it, or is writing it. Where steps go
    back, a run was taken up again from there: the later lines count.

    Raises:
        InputError: the file cannot be read, holds nothing yet, or is not a metrics file.
    """
    try:
        text = metrics.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{metrics}: cannot be read ({error.strerror}); give the folder of a run") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{metrics}: is not a metrics file of a run: {error}") from error
    curves = {name: _curve(pieces) for name, pieces in _pieces(text, metrics).items()}
    if not curves:
        raise InputError(f"{metrics}: holds nothing yet; the first line comes after train.report_every steps")
    return curves


Points = NDArray[np.float64]  # [N, 3]: the line each stands in, its step, its value


def _pieces(text: str, metrics: Path) -> dict[str, list[Points]]:
    """The points of each scalar, in one piece for each kind of line that has it: a run has two or three kinds."""
    rows: dict[tuple[str, ...], list[list[object]]] = {}
    try:
        for number, line in enumerate(text.split("\n")[:-1], start=1):
            values = json.loads(line)
            row = [number, int(values.pop("step")), *values.values()]
            rows.setdefault(tuple(values), []).append(row)
        tables = {names: np.array(table, np.float64) for names, table in rows.items()}
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
        raise InputError(f"{metrics}: is not a metrics file of a run: {error}") from error
    pieces: dict[str, list[Points]] = {}
    for names, table in tables.items():
        for column, name in enumerate(names, start=2):
            pieces.setdefault(name, []).append(table[:, [0, 1, column]])
    return pieces


def _curve(pieces: list[Points]) -> Curve:
    points = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    _, steps, values = points[points[:, 0].argsort()].T
    later = np.append(np.minimum.accumulate(steps[::-1])[::-1][1:], np.inf)  # the least step of the points that follow
    kept = steps < later
    return Curve(steps[kept].astype(np.int64), np.where(np.isfinite(values), values, np.nan)[kept])
