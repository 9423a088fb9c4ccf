"""The bounds hold for every order of addition, and are near enough to find what is wrong."""

import pytest
import torch
from torch import Tensor, nn

from tests.rounding import assert_same, exactly, float64, growth
from tests.voices.random_voice import noise, randomised, seeded


def network() -> nn.Module:
    return randomised(lambda: nn.Sequential(nn.Conv1d(32, 64, 5), nn.Tanh(), nn.Conv1d(64, 8, 7)))


@pytest.mark.parametrize("terms", [1, 2, 17, 300, 5000])
def test_no_order_of_addition_leaves_the_bound_and_an_error_of_a_hundred_times_as_much_does(terms: int) -> None:
    left, right = noise(50, terms), noise(50, terms, seed=1)
    exact, magnitude = (left.double() * right.double()).sum(1), (left * right).double().abs().sum(1)
    bound = growth(terms) * magnitude
    for seed in range(20):
        order = torch.randperm(terms, generator=seeded(seed))
        one_by_one = torch.zeros(50)
        for place in order.tolist():
            one_by_one = one_by_one + left[:, place] * right[:, place]
        assert_same(one_by_one, exact, bound=bound)
        assert_same((left[:, order] * right[:, order]).sum(1), exact, bound=bound)
    with pytest.raises(AssertionError, match="times what rounding explains"):
        assert_same(exact + 100 * bound, exact, bound=bound)


def test_a_network_is_within_its_bound_and_one_weight_that_is_a_hundredth_off_is_not() -> None:
    module, x = network(), noise(1, 32, 200)

    def run(one: nn.Module, of: Tensor = x) -> Tensor:
        y: Tensor = one(of.to(next(one.parameters()).dtype))
        return y

    exact, bound = exactly(module, run)
    assert bound < 1e-4 * float(exact.abs().max())
    assert_same(run(module), exact, bound=bound)
    with torch.no_grad():
        module[2].weight[0, 0, 0] *= 1.01  # type: ignore[index]
    with pytest.raises(AssertionError, match="times what rounding explains"):
        assert_same(run(module), exact, bound=bound)


def test_a_float32_step_within_float64_is_found() -> None:
    with float64():
        module, x = network(), noise(1, 32, 20)
        assert module(x).dtype == torch.float64
        with pytest.raises(AssertionError, match="times what rounding explains"):
            assert_same(module(x), module(x).to(torch.float32))
    assert torch.zeros(1).dtype == torch.zeros(1, dtype=torch.float64).float().dtype == torch.float32


def test_what_is_not_a_number_is_not_the_same() -> None:
    with pytest.raises(AssertionError, match="not finite"):
        assert_same(torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("nan")]))
