"""Means of a study with their intervals, and which differences are larger than the spread of seeds.

A value is one metric of one sentence by one run. Sentences are the same for all runs; every objective has seeds of its
own, and some of them may have diverged. So an interval comes from resampling both: the seeds of an objective, and the
sentences (Owen, "The pigeonhole bootstrap", 2007).

With few seeds, such an interval is too narrow to decide anything by: three seeds of equal objectives lie on one side of
three others by chance once in ten times. What decides is the spread of seeds: a t-test of the means of runs, whose
variance is pooled over all objectives (as Dunnett's test, 1955), but is not taken to be less than that of the two that
are compared; and then the correction of Holm ("A simple sequentially rejective multiple test procedure", 1979) over all
comparisons of the study.

S seeds · N sentences · R resamples
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.intervals import CONFIDENCE, RESAMPLES

Values = NDArray[np.float64]  # [S, N], NaN where there is no value
SIGNIFICANCE = 1 - CONFIDENCE


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval; NaN where there is none."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """The spread of seeds in one metric: of the means of runs of one objective."""

    deviation: float  # pooled over all objectives; NaN where none has two runs
    degrees: int  # of freedom


@dataclass(frozen=True)
class Difference:
    """An objective minus the reference, in one metric."""

    estimate: Estimate
    p_value: float  # of the t-test, before Holm's correction; NaN where no objective has two runs


def estimate(values: Values, seed: int = 0) -> Estimate:
    """The mean of one objective, with the percentiles of its bootstrap over seeds and sentences."""
    return _percentiles(_mean(values), _resampled([values], seed)[0])


def difference(values: Values, reference: Values, spread: Spread, seed: int = 0) -> Difference:
    """An objective minus the reference on the same sentences, in this order.

    Args:
        values: [S, N] of the objective; S > 0.
        reference: [S, N] of the reference, perhaps of another number of seeds; S > 0.
        spread: of seeds, over all objectives of the study.
        seed: of the resamples.
    """
    own, other = _resampled([values, reference], seed)
    mean = _mean(values) - _mean(reference)
    return Difference(_percentiles(mean, own - other), _p_value(mean, values, reference, spread))


def spread_of_seeds(of_objectives: Sequence[Values]) -> Spread:
    """The standard deviation of the means of runs, pooled over the objectives that have two or more."""
    squares, degrees = 0.0, 0
    for values in of_objectives:
        means = run_means(values)
        if len(means) > 1:
            squares += float(np.square(means - means.mean()).sum())
            degrees += len(means) - 1
    return Spread(float(np.sqrt(squares / degrees)) if degrees else float("nan"), degrees)


def least_found(spread: Spread, runs: int, comparisons: int) -> float:
    """The smallest difference of two objectives of so many runs each that could have been found; NaN where none.

    It is that of the first of so many comparisons by Holm, which is the hardest.
    """
    if not spread.degrees:
        return float("nan")
    from scipy import stats  # lazily: it takes a second

    quantile = stats.t.ppf(1 - SIGNIFICANCE / 2 / comparisons, spread.degrees)
    return float(quantile * spread.deviation * np.sqrt(2 / runs))


def run_means(values: Values) -> NDArray[np.float64]:
    """The mean over sentences of each run that has a value: [S] at most."""
    return np.array([row[~np.isnan(row)].mean() for row in values if not np.isnan(row).all()])


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the same order (Holm, 1979); NaN stays, and does not count as a comparison."""
    adjusted = [float("nan")] * len(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if not np.isnan(p))
    least = 0.0
    for rank, (p, place) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - rank)))
        adjusted[place] = least
    return adjusted


def _p_value(mean: float, values: Values, reference: Values, spread: Spread) -> float:
    """Of a two-sided t-test of the means of runs, with the spread of all or that of these two, whichever is larger."""
    if not spread.degrees:
        return float("nan")
    from scipy import stats  # lazily: it takes a second

    own, other = run_means(values), run_means(reference)
    pooled = spread.deviation**2 * (1 / len(own) + 1 / len(other))
    separate = sum(float(means.var(ddof=1)) / len(means) for means in (own, other) if len(means) > 1)
    error = float(np.sqrt(max(pooled, separate)))
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(mean) / error, spread.degrees))


def _mean(values: Values) -> float:
    """The mean of all that are not NaN; NaN where all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _resampled(of_objectives: Sequence[Values], seed: int) -> list[NDArray[np.float64]]:
    """The means [R] of each objective's resamples of seeds and sentences; the sentences of a resample are shared."""
    generator = np.random.default_rng(seed)
    sentences = _counts(of_objectives[0].shape[1], generator)  # [R, N]
    means = []
    for values in of_objectives:
        seeds = _counts(values.shape[0], generator)  # [R, S]
        known = ~np.isnan(values)
        sums = (seeds @ np.where(known, values, 0.0) * sentences).sum(axis=1)
        counts = (seeds @ known * sentences).sum(axis=1)
        means.append(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))
    return means


def _counts(size: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """How often each of so many is drawn in each resample: [R, size]."""
    return generator.multinomial(size, np.full(size, 1 / size), size=RESAMPLES).astype(np.float64)


def _percentiles(mean: float, resampled: NDArray[np.float64]) -> Estimate:
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return Estimate(mean, float("nan"), float("nan"))
    low, high = np.quantile(known, [SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2])
    return Estimate(mean, float(low), float(high))
