"""Confidence intervals of means by scipy's bootstrap, and paired tests of two voices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
RESAMPLES, RESAMPLES_TOGETHER = 9999, 1000

Values = npt.NDArray[np.float64] | Sequence[float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % interval; NaN at both ends where fewer than two values were given."""

    mean: float
    low: float
    high: float
    count: int  # of the values that are not NaN


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two voices on the same sentences."""

    difference: Interval  # of second minus first
    p_value: float  # Wilcoxon's signed-rank test, two-sided


def bootstrap(values: Values, seed: int = 0, *, weights: Values | None = None) -> Interval:
    """The mean of the values that are not NaN, with the interval of its bootstrap percentiles (Efron, 1981).

    Values are resampled with their weights, which are positive; None weighs all alike.

    The same values and seed give the same interval. It is too narrow for few values: its coverage of a normal mean is
    80 % with 4 values, 88 % with 8, and 94 % with 32.
    """
    known = np.asarray(values, np.float64)
    weight = np.ones_like(known) if weights is None else np.asarray(weights, np.float64)
    known, weight = known[~np.isnan(known)], weight[~np.isnan(known)]
    mean = float(_weighted_mean(known, weight)) if len(known) else float("nan")
    if len(known) < 2:
        return Interval(mean, float("nan"), float("nan"), len(known))
    if np.ptp(known) == 0:
        return Interval(mean, mean, mean, len(known))
    from scipy import stats

    found = stats.bootstrap(
        (known, weight),
        _weighted_mean,
        paired=True,
        n_resamples=RESAMPLES,
        batch=RESAMPLES_TOGETHER,
        confidence_level=CONFIDENCE,
        method="percentile",  # the other methods return NaN where few values differ
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), len(known))


def paired_test(first: Values, second: Values, seed: int = 0, *, weights: Values | None = None) -> PairedTest:
    """Compare two voices by a metric of the same sentences in the same order; pairs with a NaN are left out.

    Weights are those of the mean difference; the test has none.

    Raises:
        ValueError: the two are not of one length.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(one) != len(two):
        raise ValueError(f"{len(one)} values cannot be paired with {len(two)}: give one of each for every sentence")
    differences = two - one
    known = differences[~np.isnan(differences)]
    found = bootstrap(differences, seed, weights=weights)
    if not np.any(known):
        return PairedTest(found, 1.0)
    from scipy import stats

    return PairedTest(found, float(stats.wilcoxon(known).pvalue))


def _weighted_mean(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], axis: int = -1
) -> npt.NDArray[np.float64]:
    mean: npt.NDArray[np.float64] = (values * weights).sum(axis) / weights.sum(axis)
    return mean
