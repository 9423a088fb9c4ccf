"""Known dynamics of the objectives, on a mixture of eight Gaussians."""

import pytest

from tests.benchmarks.mixture import ARMS, approach, tried


@pytest.mark.slow
def test_minimax_saturates_where_the_non_saturating_objective_approaches() -> None:
    assert approach("minimax") > 28
    assert approach("non_saturating") < 10


@pytest.mark.slow
def test_most_modes_are_found() -> None:
    assert tried("hinge", 1500).modes >= 6


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["wasserstein_gp", "dragan"])
def test_the_norm_of_the_gradient_approaches_1_where_it_is_penalised(arm: str) -> None:
    name, settings = ARMS[arm]
    trial = tried(name, 150, **settings | {"gradient_penalty": 10.0})
    assert 0.8 < trial.gradient_norm < 1.25


@pytest.mark.slow
def test_weights_stay_in_the_box_and_k_between_0_and_1() -> None:
    assert tried("wasserstein", 100, clip_weights=0.03).largest_weight == pytest.approx(0.03)
    trial = tried("began", 400, began_gamma=0.7)
    assert 0.01 < trial.k <= 1.0  # it begins at 0, and must have risen for the game to be one
