"""Histograms as SVG geometry."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_FEWEST_BINS, _MOST_BINS = 10, 32
_FAR = 8.0  # median absolute deviations; outliers are counted in the outermost bars


@dataclass(frozen=True)
class Frame:
    """The size of a plot, and the rectangle inside its axes."""

    width: int = 360
    height: int = 190
    left: int = 34
    right: int = 346
    top: int = 10
    bottom: int = 150


FRAME = Frame()


@dataclass(frozen=True)
class Bar:
    """One bin."""

    x: float
    y: float
    width: float
    height: float
    count: int
    label: str


@dataclass(frozen=True)
class Tick:
    """A tick on an axis."""

    place: float  # in SVG units
    label: str


@dataclass(frozen=True)
class Histogram:
    """The bars and ticks of a plot in `FRAME`."""

    title: str
    unit: str
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    unmeasured: int  # values that are None, NaN or infinite


def histogram(title: str, unit: str, values: Iterable[float | None], *, narrowest: float = 1e-6) -> Histogram:
    """Histogram with bins of a round width, at least `narrowest`."""
    given = list(values)
    finite = np.array([value for value in given if value is not None and math.isfinite(value)])
    unmeasured = len(given) - len(finite)
    if not len(finite):
        return Histogram(title, unit, (), (), (), unmeasured)
    step, edges = _bins(finite, narrowest)
    counts = np.histogram(finite.clip(edges[0], edges[-1]), edges)[0].tolist()
    low, high = edges[0], edges[-1]
    x_step, y_step = max(_round_up((high - low) / 6), step), max(_round_up(max(counts) / 4), 1)
    top = y_step * math.ceil(max(counts) / y_step)
    across, up = (FRAME.right - FRAME.left) / (high - low), (FRAME.bottom - FRAME.top) / top
    bars = tuple(
        Bar(
            x=FRAME.left + index * step * across,
            y=FRAME.bottom - count * up,
            width=step * across,
            height=count * up,
            count=count,
            label=f"{_range(edges, index, finite)} {unit}: {count}",
        )
        for index, count in enumerate(counts)
    )
    marks = [x_step * index for index in range(math.ceil(low / x_step - 1e-6), math.floor(high / x_step + 1e-6) + 1)]
    x_ticks = tuple(Tick(FRAME.left + (mark - low) * across, f"{mark:g}") for mark in marks)
    y_ticks = tuple(Tick(FRAME.bottom - count * up, f"{count:g}") for count in np.arange(0, top + 1, y_step))
    return Histogram(title, unit, bars, x_ticks, y_ticks, unmeasured)


def _bins(finite: Values, narrowest: float) -> tuple[float, list[float]]:
    """A round bin width, and the edges of bins that cover all values but outliers."""
    middle = float(np.median(finite))
    reach = _FAR * float(np.median(np.abs(finite - middle))) or math.inf
    low, high = max(float(finite.min()), middle - reach), min(float(finite.max()), middle + reach)
    step = max(_round_up((high - low) / _MOST_BINS), narrowest) if high > low else 1.0
    first = math.floor(low / step)
    return step, [step * index for index in range(first, max(math.floor(high / step) + 1, first + _FEWEST_BINS) + 1)]


def _round_up(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    if step <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _range(edges: list[float], index: int, finite: Values) -> str:
    low, high = f"{edges[index]:g}", f"{edges[index + 1]:g}"
    if index == 0 and finite.min() < edges[0]:
        return f"below {high}"
    if index == len(edges) - 2 and finite.max() >= edges[-1]:
        return f"{low} and more"
    return f"{low} to {high}"
