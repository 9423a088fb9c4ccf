"""Where a curve is going: two laws of learning fitted to it, and what they expect after twice the steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.curves import Curve

LEAST_POINTS = 6
OCTAVES = 2  # doublings of the steps that are fitted: what was before them followed another law
_MOST_CORRELATION = 0.9


@dataclass(frozen=True)
class Trend:
    """A curve's level at its last step, its slope, and an expectation with a 95 % interval.

    Learning curves fall as a power of the steps (Hestness et al., "Deep Learning Scaling is Predictable, Empirically",
    2017). Whether the power is near 0, where each doubling brings as much as the one before, or near a half, where it
    brings 0.7 times as much, cannot be told from two doublings: both are fitted, and the interval holds both.
    """

    since: int  # the step from which on it was fitted
    now: float  # of the fitted laws, not of any measurement
    slope: float  # per doubling of the steps
    slope_error: float  # half the width of its interval
    expected: float  # after twice the steps
    low: float
    high: float


def fitted_points(curve: Curve) -> Curve:
    """Those of the last two doublings of the steps."""
    return curve.between(max(curve.steps[-1] / 2**OCTAVES, 0), np.inf) if len(curve) else curve


def trend(curve: Curve) -> Trend | None:
    """Fit the last two doublings of the steps of a curve without gaps; None where there are too few points."""
    points = fitted_points(curve)
    if len(points) < LEAST_POINTS or points.steps[0] == points.steps[-1]:
        return None
    steps, ahead = points.steps.astype(float), np.array([points.steps[-1], 2.0 * points.steps[-1]])
    even = _fit(np.log2(steps), points.values, np.log2(ahead))
    waning = _fit(-1 / np.sqrt(steps), points.values, -1 / np.sqrt(ahead))
    return Trend(
        since=int(points.steps[0]),
        now=(even.at[0] + waning.at[0]) / 2,
        slope=even.slope,
        slope_error=even.slope_error,
        expected=(even.at[1] + waning.at[1]) / 2,
        low=min(even.at[1] - even.error[1], waning.at[1] - waning.error[1]),
        high=max(even.at[1] + even.error[1], waning.at[1] + waning.error[1]),
    )


@dataclass(frozen=True)
class _Line:
    slope: float
    slope_error: float
    at: tuple[float, float]
    error: tuple[float, float]


def _fit(x: NDArray[np.float64], y: NDArray[np.float64], ahead: NDArray[np.float64]) -> _Line:
    """A straight line by least squares, and its prediction of new points with their error at 95 %."""
    from scipy.special import stdtrit  # slow to import

    count, centre = len(x), x.mean()
    spread = np.square(x - centre).sum()
    slope = ((x - centre) * (y - y.mean())).sum() / spread
    residuals = y - y.mean() - slope * (x - centre)
    # Neighbouring validations err alike; the fewer they really are, the less a slope is known.
    same = np.square(residuals).sum()
    correlation = (residuals[1:] * residuals[:-1]).sum() / same if same > 0 else 0.0
    correlation = min(max(correlation, 0.0), _MOST_CORRELATION)
    inflation = (1 + correlation) / (1 - correlation)
    variance = same / (count - 2)
    at = y.mean() + slope * (ahead - centre)
    student = stdtrit(count - 2, 0.975)
    error = student * np.sqrt(variance * (1 + inflation * (1 / count + np.square(ahead - centre) / spread)))
    slope_error = student * np.sqrt(variance * inflation / spread)
    return _Line(float(slope), float(slope_error), (float(at[0]), float(at[1])), (float(error[0]), float(error[1])))
