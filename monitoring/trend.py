"""The trend of a curve: two scaling laws fitted to it, and what they predict after twice the steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.curves import Curve

LEAST_POINTS = 6
OCTAVES = 2  # doublings of the steps that are fitted: earlier points follow another law
_MOST_CORRELATION = 0.9


@dataclass(frozen=True)
class Trend:
    """A curve's fitted value at its last step, its slope, and a prediction with a 95 % interval.

    Learning curves fall as a power of the steps (Hestness et al., "Deep Learning Scaling is Predictable, Empirically",
    2017). Whether the power is near 0, where each doubling brings as much as the one before, or near a half, where it
    brings 0.7 times as much, cannot be told from two doublings: both are fitted, and the interval holds both.
    """

    since: int  # the step from which on it was fitted
    now: float  # of the fitted laws, not a measurement
    slope: float  # per doubling of the steps
    slope_error: float  # half the width of its interval
    expected: float  # after twice the steps
    low: float
    high: float


def fitted_points(curve: Curve) -> Curve:
    """The points of the last two doublings of the steps."""
    return curve.between(max(curve.steps[-1] / 2**OCTAVES, 0), np.inf) if len(curve) else curve


def trend(curve: Curve) -> Trend | None:
    """Fit the last two doublings of the steps of a curve of finite values; None where there are too few points."""
    points = fitted_points(curve)
    if len(points) < LEAST_POINTS or points.steps[0] == points.steps[-1]:
        return None
    steps, ahead = points.steps.astype(float), np.array([points.steps[-1], 2.0 * points.steps[-1]])
    logarithmic = _fit(np.log2(steps), points.values, np.log2(ahead))
    power = _fit(-1 / np.sqrt(steps), points.values, -1 / np.sqrt(ahead))
    return Trend(
        since=int(points.steps[0]),
        now=(logarithmic.at[0] + power.at[0]) / 2,
        slope=logarithmic.slope,
        slope_error=logarithmic.slope_error,
        expected=(logarithmic.at[1] + power.at[1]) / 2,
        low=min(logarithmic.at[1] - logarithmic.error[1], power.at[1] - power.error[1]),
        high=max(logarithmic.at[1] + logarithmic.error[1], power.at[1] + power.error[1]),
    )


@dataclass(frozen=True)
class _StraightLine:
    slope: float
    slope_error: float
    at: tuple[float, float]
    error: tuple[float, float]


def _fit(x: NDArray[np.float64], y: NDArray[np.float64], ahead: NDArray[np.float64]) -> _StraightLine:
    """A straight line by least squares, and its prediction of new points with their error at 95 %."""
    from scipy.special import stdtrit  # slow to import

    count, centre = len(x), x.mean()
    spread = np.square(x - centre).sum()
    slope = ((x - centre) * (y - y.mean())).sum() / spread
    residuals = y - y.mean() - slope * (x - centre)
    # The errors of neighbouring validations correlate, so that there are fewer independent ones than points.
    same = np.square(residuals).sum()
    correlation = (residuals[1:] * residuals[:-1]).sum() / same if same > 0 else 0.0
    correlation = min(max(correlation, 0.0), _MOST_CORRELATION)
    inflation = (1 + correlation) / (1 - correlation)
    variance = same / (count - 2)
    at = y.mean() + slope * (ahead - centre)
    student = stdtrit(count - 2, 0.975)
    error = student * np.sqrt(variance * (1 + inflation * (1 / count + np.square(ahead - centre) / spread)))
    slope_error = student * np.sqrt(variance * inflation / spread)
    return _StraightLine(
        float(slope), float(slope_error), (float(at[0]), float(at[1])), (float(error[0]), float(error[1]))
    )
