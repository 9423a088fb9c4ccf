"""Confidence intervals and paired tests: against formulas, coverage by simulation, and pencil arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metrics.intervals import bootstrap, paired_test

NORMAL = np.random.default_rng(0).normal(3.0, 1.0, size=200)


def test_the_interval_of_many_normal_values_is_that_of_students_formula() -> None:
    low, high = stats.t.interval(0.95, 199, NORMAL.mean(), stats.sem(NORMAL))
    found = bootstrap(NORMAL)
    assert found.mean == NORMAL.mean()
    assert found.low == pytest.approx(low, abs=0.015)
    assert found.high == pytest.approx(high, abs=0.015)


def test_the_interval_of_two_values_ends_at_both() -> None:
    # Of resamples of two, a quarter is the lower twice and a quarter the higher twice: more than 2.5 % each.
    found = bootstrap([1.0, 3.0])
    assert (found.mean, found.low, found.high, found.count) == (2.0, 1.0, 3.0, 2)


def test_the_truth_lies_in_nearly_all_intervals() -> None:
    held = 0
    for seed in range(60):
        found = bootstrap(np.random.default_rng(seed).exponential(size=40))
        held += found.low <= 1 <= found.high
    assert 52 <= held < 60


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12))
def test_an_interval_holds_its_mean_and_lies_within_the_values(values: list[float]) -> None:
    found = bootstrap(values)
    room = 1e-9 * max(map(abs, values))
    assert min(values) - room <= found.low <= found.mean + room
    assert found.mean - room <= found.high <= max(values) + room


def test_a_ratio_of_sums_has_the_interval_of_resampled_pairs() -> None:
    """Oracle: errors and lengths are resampled together by numpy, and added."""
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 30, size=60).astype(float)
    errors = rng.binomial(lengths.astype(int), rng.uniform(0, 0.4, size=60))
    found = bootstrap(errors / lengths, weights=lengths)
    assert found.mean == pytest.approx(errors.sum() / lengths.sum())
    chosen = rng.integers(0, 60, size=(20_000, 60))
    low, high = np.quantile(errors[chosen].sum(axis=1) / lengths[chosen].sum(axis=1), (0.025, 0.975))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)
    worse = paired_test(errors / lengths, (errors + 1) / lengths, weights=lengths).difference
    assert worse.mean == pytest.approx(60 / lengths.sum())
    assert bootstrap([1.0, math.nan, 3.0], weights=[1, 5, 3]).mean == pytest.approx(2.5)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bootstrap(NORMAL, seed=5) == bootstrap(NORMAL, seed=5)
    assert bootstrap(NORMAL, seed=5) != bootstrap(NORMAL, seed=6)


def test_missing_values_are_left_out_and_too_few_have_no_interval() -> None:
    assert bootstrap([1.0, math.nan, 3.0]) == bootstrap([1.0, 3.0])
    alone = bootstrap([2.0, math.nan])
    assert (alone.mean, alone.count) == (2.0, 1)
    assert math.isnan(alone.low)
    assert math.isnan(bootstrap([]).mean)


def test_a_small_difference_on_every_sentence_is_certain_though_sentences_differ_more() -> None:
    rng = np.random.default_rng(1)
    sentences = rng.normal(0, 10, size=30)
    better = sentences + rng.normal(0.5, 0.2, size=30)
    found = paired_test(sentences, better)
    assert found.difference.mean == pytest.approx((better - sentences).mean())
    assert 0.3 < found.difference.low < found.difference.high < 0.7
    assert found.p_value < 1e-6
    assert paired_test(better, sentences).p_value == pytest.approx(found.p_value)
    assert stats.ttest_ind(sentences, better).pvalue > 0.5  # unpaired, nothing would be seen


def test_the_p_value_of_five_improvements_is_that_of_a_pencil() -> None:
    # All of five signs alike: 2 of 32 outcomes are as one-sided.
    assert paired_test([0] * 5, [1, 2, 3, 4, 5]).p_value == pytest.approx(2 / 32)


def test_pairs_with_a_missing_value_are_left_out() -> None:
    found = paired_test([0, 0, math.nan, 0], [1, math.nan, 1, 3])
    assert (found.difference.mean, found.difference.count) == (2.0, 2)


def test_a_voice_does_not_differ_from_itself() -> None:
    found = paired_test(NORMAL, NORMAL)
    assert (found.difference.mean, found.p_value) == (0.0, 1.0)


def test_voices_with_other_numbers_of_sentences_are_not_paired() -> None:
    with pytest.raises(ValueError, match="2 values cannot be paired with 3"):
        paired_test([1, 2], [1, 2, 3])
