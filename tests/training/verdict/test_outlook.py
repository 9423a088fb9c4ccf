"""The outlook expects what comes, says how sure that is, and when to stop."""

import numpy as np
import pytest

from tests.training.verdict.pencil import STEPS, Height, run_of
from training.verdict.curves import Curve
from training.verdict.trend import trend
from training.verdict.verdict import verdict

STEPS_OF = np.arange(200, STEPS + 1, 200)


def told(score: Height) -> str:
    return verdict(run_of({"validation/score": score}))[-1].sentence


def test_a_falling_score_is_expected_to_fall_on() -> None:
    sentence = told(lambda steps: 2 - 0.1 * np.log2(steps + 1))
    assert sentence.startswith("Keep going: the score (lower is better) is 0.80")
    assert "after 8000 steps, 33 minutes from now" in sentence
    assert "The best so far is step 4000" in sentence


def test_a_score_that_stays_is_no_reason_to_go_on() -> None:
    sentence = told(lambda steps: 0.7 + 0.001 * np.sin(steps))
    assert sentence.startswith("Stop, or go on for the sound alone")
    assert "no better" in sentence


def test_a_score_that_rises_again_names_the_best_step() -> None:
    sentence = told(lambda steps: 0.7 + 0.1 * np.log2((steps + 1) / 801) ** 2)
    assert sentence.startswith("Stop: the score (lower is better) has been rising")
    assert "The best is step 800 (0.7)." in sentence


def test_a_score_that_jumps_about_says_nothing_of_the_future() -> None:
    sentence = told(lambda steps: 1 + 0.8 * np.random.default_rng(0).normal(size=len(steps)))
    assert "varies too much to say" in sentence


def test_without_a_score_the_mel_distance_is_looked_at() -> None:
    run = run_of({"validation/score": float("nan")})
    assert "the mel distance (lower is better)" in verdict(run)[-1].sentence


def test_a_few_validations_are_too_few_to_say() -> None:
    assert "1000 steps and 6 validations are too few" in verdict(run_of(steps=1000))[-1].sentence
    assert "too few" not in verdict(run_of(steps=1600))[-1].sentence


def test_the_slope_is_that_of_a_straight_line_through_the_last_two_doublings() -> None:
    values = 1 + np.random.default_rng(1).normal(size=len(STEPS_OF))
    fitted = trend(Curve(STEPS_OF, values))
    late = STEPS_OF > STEPS / 4
    expected = np.polyfit(np.log2(STEPS_OF[late]), values[late], 1)
    assert fitted is not None
    assert fitted.slope == pytest.approx(expected[0])


@pytest.mark.parametrize("power", [0.1, 0.25, 0.4])
@pytest.mark.parametrize("noise", [0.003, 0.02])
def test_what_comes_lies_within_the_interval_nearly_always(power: float, noise: float) -> None:
    """Learning curves that fall as a power of the steps towards a floor, with noise on each validation."""
    random = np.random.default_rng(2)
    scores = 0.4 + (np.append(STEPS_OF, 2 * STEPS) / 200) ** -power
    hits = 0
    for _ in range(200):
        seen = scores + noise * random.normal(size=len(scores))
        fitted = trend(Curve(STEPS_OF, seen[:-1]))
        assert fitted is not None
        hits += int(fitted.low <= seen[-1] <= fitted.high)
    assert hits >= 185  # of 200; 190 is what 95 % promise
