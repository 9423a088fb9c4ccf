"""The scalars of a run as curves, read from its metrics.jsonl or from TensorBoard's event files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs import InputError
from configs.errors import refusing_os_errors
from monitoring.tags import present_tag


@dataclass(frozen=True, eq=False)
class Curve:
    """One scalar over the steps of a run: N points with rising steps."""

    steps: NDArray[np.int64]  # [N]
    values: NDArray[np.float64]  # [N], NaN where the value was NaN or infinite

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def known(self) -> "Curve":
        """The points with a finite value."""
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
        """The last points, at most `points` of them."""
        return Curve(self.steps[-points:], self.values[-points:])


Curves = Mapping[str, Curve]


@dataclass(frozen=True, eq=False)
class MetricsFile:
    """The content of a metrics.jsonl."""

    curves: dict[str, Curve]  # every scalar, and the seconds of training, by its present name (`monitoring.tags`)
    damaged: tuple[int, ...] = ()  # the numbers, from 1, of the lines that could not be read


def read_metrics(path: Path) -> MetricsFile:
    """Read every scalar of a metrics.jsonl.

    A truncated last line is ignored: the run was killed while writing it, or is writing it now. Any other unreadable
    line, such as one that was truncated before the run was resumed, is skipped and listed in `damaged`. Where steps
    decrease, the run was resumed from there, and the later lines replace the earlier ones.

    Raises:
        InputError: the file cannot be read, is empty, or has no line of a metrics file.
    """
    with refusing_os_errors(f"{path}: cannot be read", "give the folder of a run"):
        content = path.read_bytes()
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
    pieces: dict[str, list[Points]] = {}
    for names, lines in rows.items():
        table = np.stack(lines)
        for column, name in enumerate(names, start=2):
            pieces.setdefault(present_tag(name), []).append(table[:, [0, 1, column]])
    if not pieces:
        raise InputError(f"{path}: holds nothing yet; the first line comes after train.report_every steps")
    return MetricsFile({name: _curve(np.concatenate(points)) for name, points in pieces.items()}, tuple(faults))


Points = NDArray[np.float64]  # [N, 3]: line number, step and value; of one line [2 + scalars]
_MOST_STEPS = 2**53  # from here on, float64 cannot represent every step


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


def _curve(points: Points) -> Curve:
    """The points of one scalar, in any order, without those that a resumed run replaced."""
    _, steps, values = points[points[:, 0].argsort()].T
    later = np.append(np.minimum.accumulate(steps[::-1])[::-1][1:], np.inf)  # the lowest step of the points that follow
    kept = steps < later
    return Curve(steps[kept].astype(np.int64), np.where(np.isfinite(values), values, np.nan)[kept])


def read_events(folder: Path) -> dict[str, Curve]:
    """Read every scalar of a folder's TensorBoard files, and `seconds` since the first of them.

    Raises:
        InputError: the files hold no scalars.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # lazily: a second to import

    # 0 keeps all scalars; of the other kinds, which are not read here, 1 is the least.
    accumulator = EventAccumulator(
        str(folder), size_guidance={"scalars": 0, "tensors": 1, "images": 1, "audio": 1, "histograms": 1}
    )
    accumulator.Reload()
    clock: dict[int, float] = {}
    curves: dict[str, Curve] = {}
    for name in accumulator.Tags()["scalars"]:
        points = {event.step: event for event in accumulator.Scalars(name)}  # the last event of a step counts
        steps = sorted(points)
        values = np.array([points[step].value for step in steps], np.float64)
        curves[present_tag(name)] = Curve(np.array(steps, np.int64), np.where(np.isfinite(values), values, np.nan))
        clock |= {step: points[step].wall_time for step in steps}
    if not curves:
        raise InputError(f"{folder}: the TensorBoard files there hold no scalars yet; give the folder of a run")
    steps = sorted(clock)
    seconds = np.array([clock[step] for step in steps], np.float64)
    curves.setdefault("seconds", Curve(np.array(steps, np.int64), seconds - seconds[0]))
    return curves
