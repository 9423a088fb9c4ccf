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


@dataclass(frozen=True, eq=False)
class Metrics:
    """What a metrics.jsonl says."""

    curves: dict[str, Curve]  # every scalar, and the seconds of training, by name
    damaged: tuple[int, ...] = ()  # the numbers, from 1, of the lines that could not be read


def read_metrics(path: Path) -> Metrics:
    """Every scalar of a metrics.jsonl.

    A last line that was cut off is left out: a run was killed in the middle of it, or is writing it. A line within that
    cannot be read, such as one that was cut off before the run was taken up again, is left out and told. Where steps go
    back, a run was taken up again from there: the later lines count.

    Raises:
        InputError: the file cannot be read, holds nothing yet, or has no line that is one of a metrics file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the folder of a run") from error
    rows: dict[tuple[str, ...], list[Points]] = {}  # a run has two or three kinds of lines
    faults: dict[int, str] = {}
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        if not line.strip():
            continue
        try:
            names, row = _row(number, line)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            faults[number] = str(error)
        else:
            rows.setdefault(names, []).append(row)
    if not rows and faults:
        number, fault = next(iter(faults.items()))
        raise InputError(f"{path}: is not a metrics file of a run: line {number}: {fault}")
    curves = {name: _curve(pieces) for name, pieces in _pieces(rows).items()}
    if not curves:
        raise InputError(f"{path}: holds nothing yet; the first line comes after train.report_every steps")
    return Metrics(curves, tuple(faults))


Points = NDArray[np.float64]  # [N, 3]: the line each stands in, its step, its value; of one line [2 + scalars]
_MOST_STEPS = 2**53  # beyond, a float no longer tells one from the next


def _row(number: int, line: bytes) -> tuple[tuple[str, ...], Points]:
    """The names and the numbers of a line."""
    values = json.loads(line.decode())
    if not isinstance(values, dict) or "step" not in values:
        raise ValueError("has no step")
    step = int(values.pop("step"))
    if not 0 <= step < _MOST_STEPS:
        raise ValueError(f"step {step} is none")
    if any(isinstance(value, str) for value in values.values()):
        raise ValueError("has words in the place of numbers")
    return tuple(values), np.array([number, step, *values.values()], np.float64)


def _pieces(rows: Mapping[tuple[str, ...], list[Points]]) -> dict[str, list[Points]]:
    """The points of each scalar, in one piece for each kind of line that has it."""
    pieces: dict[str, list[Points]] = {}
    for names, lines in rows.items():
        table = np.stack(lines)
        for column, name in enumerate(names, start=2):
            pieces.setdefault(name, []).append(table[:, [0, 1, column]])
    return pieces


def _curve(pieces: list[Points]) -> Curve:
    points = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    _, steps, values = points[points[:, 0].argsort()].T
    later = np.append(np.minimum.accumulate(steps[::-1])[::-1][1:], np.inf)  # the least step of the points that follow
    kept = steps < later
    return Curve(steps[kept].astype(np.int64), np.where(np.isfinite(values), values, np.nan)[kept])
