"""Curves of any length in a few hundred points: each keeps the lowest, the highest and the mean of what it stands for.

A plain sub-sampling loses spikes, and means flatten them; with the extremes beside the mean, a spike of one report is
drawn as high as it was, and smoothing works on means and so is not pulled by extremes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.curves import Curve

SIGNIFICANT_DIGITS = 5


@dataclass(frozen=True)
class Thinned:
    """A curve with one entry for each bucket of steps; low and high are None where a bucket is one value."""

    steps: NDArray[np.int64]  # [K], the middle of each bucket's steps
    mean: NDArray[np.float64]  # [K], of the finite values; NaN where there are none
    low: NDArray[np.float64] | None  # [K]
    high: NDArray[np.float64] | None  # [K]
    gaps: NDArray[np.bool_]  # [K], whether a value of the bucket was NaN


def thin(curve: Curve, buckets: int) -> Thinned:
    """The curve in at most so many buckets, equally wide in steps; a curve with no more points stays as it is."""
    steps, values = curve.steps, curve.values
    missing = np.isnan(values)
    if len(steps) <= buckets:
        return Thinned(steps, values, None, None, missing)
    bucket = (steps - steps[0]) * buckets // (steps[-1] - steps[0] + 1)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    counts = np.diff(starts, append=len(steps))
    known = np.add.reduceat(~missing, starts)
    sums = np.add.reduceat(np.where(missing, 0.0, values), starts)
    return Thinned(
        steps=np.add.reduceat(steps, starts) // counts,
        mean=np.divide(sums, known, out=np.full(len(starts), np.nan), where=known > 0),
        low=np.fmin.reduceat(values, starts),
        high=np.fmax.reduceat(values, starts),
        gaps=known < counts,
    )


def rounded(values: NDArray[np.float64]) -> list[float | None]:
    """The values for JSON, with the digits that a drawing can show; None where one is NaN."""
    return [None if value != value else float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.tolist()]
