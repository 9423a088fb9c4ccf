"""The rational-quadratic spline against the textbook formula in float64, against autograd, and against itself."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.layers.spline import RationalQuadraticSpline
from tests.rounding import assert_same, float64, growth

BINS = 10
BOUND = 5.0
SMALLEST = 1e-3
# Of a knot in float32: a softmax and a sum of all bins, over the whole width of the spline.
KNOT = growth(BINS + 6) * 2 * BOUND


Shape = tuple[Tensor, Tensor, Tensor]


def random_shape(count: int, *, spread: float = 1.0) -> Shape:
    """Unnormalised widths, heights and slopes."""
    generator = torch.Generator().manual_seed(0)
    widths, heights, slopes = (spread * torch.randn(count, n, generator=generator) for n in (BINS, BINS, BINS - 1))
    return widths, heights, slopes


def map_shape(change: Callable[[Tensor], Tensor], shape: Shape) -> Shape:
    widths, heights, slopes = shape
    return change(widths), change(heights), change(slopes)


def random_spline(count: int, *, spread: float = 1.0) -> RationalQuadraticSpline:
    return RationalQuadraticSpline(*random_shape(count, spread=spread))


def textbook_knots(unnormalised: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(unnormalised - unnormalised.max())
    shares = SMALLEST + (1 - SMALLEST * BINS) * shares / shares.sum()
    return np.concatenate(([-BOUND], -BOUND + 2 * BOUND * np.cumsum(shares)))


def textbook_spline(x: float, widths: Tensor, heights: Tensor, slopes: Tensor) -> tuple[float, float]:
    """Durkan et al. (2019), equations 4 and 5, for one number in float64: y and log dy/dx."""
    if abs(x) > BOUND:
        return x, 0.0
    x_knots, y_knots = textbook_knots(widths.double().numpy()), textbook_knots(heights.double().numpy())
    inner = SMALLEST + np.logaddexp(0.0, slopes.double().numpy())
    delta = np.concatenate(([1.0], inner, [1.0]))
    k = next(i for i in range(BINS) if x <= x_knots[i + 1] or i == BINS - 1)
    width, height = x_knots[k + 1] - x_knots[k], y_knots[k + 1] - y_knots[k]
    s, xi = height / width, (x - x_knots[k]) / width
    bottom = s + (delta[k + 1] + delta[k] - 2 * s) * xi * (1 - xi)
    y = y_knots[k] + height * (s * xi**2 + delta[k] * xi * (1 - xi)) / bottom
    top = s**2 * (delta[k + 1] * xi**2 + 2 * s * xi * (1 - xi) + delta[k] * (1 - xi) ** 2)
    return float(y), float(np.log(top / bottom**2))


@float64()
def test_forward_is_the_textbook_formula_in_float64() -> None:
    shape = random_shape(200)
    x = torch.linspace(-7, 7, 200)
    y, log_derivative = RationalQuadraticSpline(*shape).forward(x)
    expected = torch.tensor(
        [textbook_spline(float(x[i]), *(table[i] for table in shape)) for i in range(200)], dtype=torch.float64
    )
    assert_same(y, expected[:, 0])
    assert_same(log_derivative, expected[:, 1])


# The published solution of the quadratic loses digits where a bin is much flatter than the slope at its end.
@pytest.mark.parametrize(("spread", "tolerance"), [(1.0, KNOT), (3.0, 10 * KNOT)])
def test_inverse_undoes_forward_as_far_as_float32_can_tell(spread: float, tolerance: float) -> None:
    spline = random_spline(4000, spread=spread)
    x = torch.linspace(-7, 7, 4000)
    y, log_derivative = spline.forward(x)
    back, _ = spline.inverse(y)
    # One step of rounding in y is 1 / derivative steps in x.
    assert float(((back - x).abs() * log_derivative.exp().clamp(max=1)).max()) <= tolerance


@pytest.mark.parametrize(("spread", "tolerance"), [(1.0, KNOT), (3.0, 10 * KNOT)])
def test_forward_undoes_inverse_as_far_as_float32_can_tell(spread: float, tolerance: float) -> None:
    spline = random_spline(4000, spread=spread)
    y = torch.linspace(-7, 7, 4000)
    back, log_derivative = spline.forward(spline.inverse(y)[0])
    # One step of rounding in x is as many steps in y as the spline is steep.
    assert float(((back - y).abs() / log_derivative.exp().clamp(min=1)).max()) <= tolerance


@float64()
def test_log_derivative_of_the_inverse_is_the_negative_of_the_forward_one() -> None:
    spline = random_spline(4000)
    y = torch.linspace(-7, 7, 4000)
    x, log_inverse_derivative = spline.inverse(y)
    assert_same(log_inverse_derivative, -spline.forward(x)[1])


@pytest.mark.parametrize("spread", [1.0, 5.0])
@float64()
def test_log_derivative_is_what_autograd_finds(spread: float) -> None:
    spline = random_spline(2000, spread=spread)
    x = torch.linspace(-6, 6, 2000, requires_grad=True)
    y, log_derivative = spline.forward(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert_same(gradient, log_derivative.exp())


def test_inverse_of_the_wildest_spline_is_finite_and_stays_inside() -> None:
    spline = random_spline(20_000, spread=100.0)
    on_knots = spline.y_knots[:, 4]
    for y in (torch.linspace(-5, 5, 20_000), on_knots):
        x, _ = spline.inverse(y)
        assert bool(x.isfinite().all())
        assert float(x.abs().max()) < BOUND + 0.01


@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0, 50.0])
def test_spline_never_falls(spread: float) -> None:
    shape = random_shape(1, spread=spread)
    x = torch.linspace(-6, 6, 20_001)
    y, _ = RationalQuadraticSpline(*map_shape(lambda table: table.expand(x.numel(), -1), shape)).forward(x)
    # Neighbouring results may differ by the rounding of both, a few steps of the largest, and not by more.
    assert float(y.diff().min()) >= -2 * growth(4) * BOUND
    assert float(y.min()) == -6.0
    assert float(y.max()) == 6.0


@float64()
def test_spline_of_even_bins_and_slopes_of_one_is_the_identity() -> None:
    slope_of_one = math.log(math.exp(1 - SMALLEST) - 1)
    shape = torch.zeros(101, BINS), torch.zeros(101, BINS), torch.full((101, BINS - 1), slope_of_one)
    x = torch.linspace(-5, 5, 101)
    y, log_derivative = RationalQuadraticSpline(*shape).forward(x)
    assert_same(y, x)
    assert_same(log_derivative, torch.zeros(101))


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_outside_the_bound_every_number_stays_exactly_what_it_is(direction: str) -> None:
    x = torch.tensor([-1e30, -1e4, -5.000001, 5.000001, 17.3, 1e30])
    y, log_derivative = getattr(random_spline(6), direction)(x)
    assert torch.equal(y, x)
    assert torch.equal(log_derivative, torch.zeros(6))


@pytest.mark.parametrize("direction", ["forward", "inverse"])
@float64()
def test_both_ends_of_the_spline_stay_where_they_are_with_the_slope_of_the_tails(direction: str) -> None:
    x = torch.tensor([-BOUND, BOUND]).repeat(50)
    y, log_derivative = getattr(random_spline(100), direction)(x)
    assert_same(y, x)
    assert_same(log_derivative, torch.zeros(100))


@pytest.mark.parametrize("spread", [1.0, 30.0])
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_gradients_are_finite_far_outside_and_exactly_on_the_bound_and_on_knots(direction: str, spread: float) -> None:
    shape = map_shape(Tensor.requires_grad_, random_shape(60, spread=spread))
    spline = RationalQuadraticSpline(*shape)
    knots = spline.x_knots if direction == "forward" else spline.y_knots
    x = torch.tensor([-1e30, -1e6, -BOUND, BOUND, 1e6, 1e30]).repeat(10)
    x[6:15] = knots.detach()[6:15].diagonal(offset=1)[:9]
    x.requires_grad_()
    y, log_derivative = getattr(spline, direction)(x)
    gradients = torch.autograd.grad(y.sum() + log_derivative.sum(), (x, *shape))
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
    outside = x.detach().abs() > BOUND
    assert all(not gradient[outside].any() for gradient in gradients[1:]), "the tails must not teach the spline"


def test_half_precision_is_raised_to_float32_before_any_arithmetic() -> None:
    shape = map_shape(Tensor.bfloat16, random_shape(50))
    x = torch.linspace(-6, 6, 50).bfloat16()
    y, log_derivative = RationalQuadraticSpline(*shape).forward(x)
    expected = RationalQuadraticSpline(*map_shape(Tensor.float, shape)).forward(x.float())
    assert torch.equal(y, expected[0])
    assert torch.equal(log_derivative, expected[1])
