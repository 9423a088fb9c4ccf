"""The statistics of a study against other implementations, enumeration, pencil arithmetic and simulated studies."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from evaluation.objectives import statistics
from evaluation.objectives.statistics import difference, estimate, holm, least_found, run_means, spread_of_seeds


def test_with_one_seed_the_interval_is_scipys_bootstrap_of_the_sentences() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=(1, 12))
    found = estimate(values)
    oracle = stats.bootstrap(
        (values[0],), np.mean, n_resamples=40_000, method="percentile", rng=np.random.default_rng(9)
    ).confidence_interval
    assert found.mean == pytest.approx(values.mean())
    spread = oracle.high - oracle.low
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=0.04 * spread)


def test_the_interval_over_seeds_and_sentences_is_that_of_all_resamples_enumerated() -> None:
    values = np.array([[0.0, 1.0, 5.0], [2.0, 2.5, 9.0]])
    every = [
        values[np.ix_(seeds, sentences)].mean()
        for seeds in itertools.product(range(2), repeat=2)
        for sentences in itertools.product(range(3), repeat=3)
    ]
    found = estimate(values)
    for end, share in ((found.low, 0.025), (found.high, 0.975)):
        below, upto = np.mean(np.array(every) < end - 1e-9), np.mean(np.array(every) <= end + 1e-9)
        assert below - 0.01 <= share <= upto + 0.01


def test_a_value_that_is_missing_is_in_no_mean() -> None:
    nan = float("nan")
    values = np.array([[1.0, nan, 3.0], [nan, nan, nan]])
    assert estimate(values).mean == 2.0
    assert run_means(values).tolist() == [2.0]
    assert math.isnan(estimate(np.full((2, 2), nan)).low)


def test_the_sentences_that_a_resample_has_are_the_same_for_both_objectives() -> None:
    """An objective that is better by 1 in every sentence is better by 1 in every resample, however they differ."""
    sentences = np.array([[0.0, 10.0, 50.0, 200.0]])
    values = sentences + np.zeros((3, 1))
    found = difference(values - 1, values, spread_of_seeds([values, values - 1]))
    assert (found.estimate.low, found.estimate.mean, found.estimate.high) == pytest.approx((-1.0, -1.0, -1.0))


def test_of_two_objectives_with_as_many_seeds_the_p_value_is_students() -> None:
    one, two = np.random.default_rng(4).normal(size=(2, 5, 1))
    found = difference(one, two, spread_of_seeds([one, two]))
    assert found.p_value == pytest.approx(stats.ttest_ind(one[:, 0], two[:, 0]).pvalue)


def test_the_spread_is_pooled_over_all_objectives_as_in_an_analysis_of_variance() -> None:
    groups = [np.random.default_rng(seed).normal(size=(runs, 1)) for seed, runs in enumerate((3, 3, 2, 1))]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    spread = spread_of_seeds(groups)
    assert spread.deviation == pytest.approx(math.sqrt(within / 5))
    assert spread.degrees == 5
    between = sum(len(group) * (group.mean() - np.concatenate(groups).mean()) ** 2 for group in groups) / 3
    f_value = between / spread.deviation**2
    assert f_value == pytest.approx(stats.f_oneway(*(group[:, 0] for group in groups)).statistic)


def test_without_a_second_run_of_any_objective_nothing_is_tested() -> None:
    one, two = np.ones((1, 4)), np.zeros((1, 4))
    spread = spread_of_seeds([one, two])
    assert spread.degrees == 0
    assert math.isnan(difference(one, two, spread).p_value)
    assert math.isnan(least_found(spread, 1, 1))


def test_holms_correction_by_pencil() -> None:
    # Sorted: 0.005 * 4 = 0.02; 0.01 * 3 = 0.03; 0.03 * 2 = 0.06; 0.04 * 1 = 0.04, which may not be below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
    with_nan = holm([0.02, float("nan"), 0.04])
    assert with_nan[0] == pytest.approx(0.04)
    assert math.isnan(with_nan[1])


def test_holms_correction_rejects_what_its_step_down_procedure_rejects() -> None:
    generator = np.random.default_rng(5)
    for _ in range(200):
        p_values = (generator.random(7) ** 4).tolist()
        rejected = set()
        for rank, place in enumerate(np.argsort(p_values)):  # the procedure of the paper, section 2
            if p_values[place] > 0.05 / (7 - rank):
                break
            rejected.add(int(place))
        assert {place for place, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


def test_the_least_difference_that_is_found_has_the_p_value_of_the_first_step_of_holm() -> None:
    values = [np.array([[0.0], [1.0], [2.0]]), np.array([[5.0], [6.0], [7.0]])]
    spread = spread_of_seeds(values)
    least = least_found(spread, runs=3, comparisons=8)
    shifted = values[0] + least
    assert difference(shifted, values[0], spread).p_value * 8 == pytest.approx(0.05)


@pytest.mark.parametrize(("widest", "most"), [(1.0, 0.06), (4.0, 0.1)])
def test_of_studies_of_equal_objectives_few_find_a_difference(
    widest: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine objectives with three seeds, the last one perhaps less stable. Intervals alone find one in every other."""
    monkeypatch.setattr(statistics, "RESAMPLES", 100)
    generator, studies, found, by_interval = np.random.default_rng(6), 200, 0, 0
    for _ in range(studies):
        sentences = generator.normal(size=(1, 8))
        deviations = [1.0] * 8 + [widest]
        values = [
            sentences + deviation * generator.normal(size=(3, 1)) + 0.3 * generator.normal(size=(3, 8))
            for deviation in deviations
        ]
        spread = spread_of_seeds(values)
        differences = [difference(own, values[0], spread) for own in values[1:]]
        found += min(holm([one.p_value for one in differences])) < 0.05
        by_interval += any(one.estimate.low > 0 or one.estimate.high < 0 for one in differences)
    assert found / studies <= most
    assert by_interval / studies > 0.3


def test_a_difference_of_ten_spreads_is_found() -> None:
    generator = np.random.default_rng(7)
    values = [generator.normal(size=(3, 1)) + generator.normal(size=(1, 8)) for _ in range(9)]
    spread = spread_of_seeds(values)
    found = difference(values[1] + 10, values[0], spread)
    assert found.p_value * 64 < 0.05
    assert found.estimate.low > 0
