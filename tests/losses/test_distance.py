"""L1, L2 and log-cosh against torch's own losses, NumPy and pencil arithmetic."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from losses import distance_loss, mel_loss
from losses.distance import DistanceKind, log_cosh
from tests.rounding import SAME, assert_same, float64

KINDS: tuple[DistanceKind, ...] = ("l1", "l2", "log_cosh")
LENGTHS = (50, 20, 1)


def pair(channels: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, channels, 50, generator=generator), torch.randn(3, channels, 50, generator=generator)


def mask() -> Tensor:
    return (torch.arange(50) < torch.tensor(LENGTHS)[:, None]).float().unsqueeze(1)


def own_frames(x: Tensor) -> Tensor:
    return torch.cat([x[clip, :, :length].flatten() for clip, length in enumerate(LENGTHS)])


def test_distances_by_pencil() -> None:
    real, generated = torch.tensor([[[1.0, 0.0, 5.0]]]), torch.tensor([[[3.0, -1.0, 0.0]]])
    first_two = torch.tensor([[[1.0, 1.0, 0.0]]])
    assert distance_loss(real, generated, first_two).item() == 1.5  # (2 + 1) / 2
    assert distance_loss(real, generated, first_two, kind="l2").item() == 2.5  # (4 + 1) / 2
    assert distance_loss(real, generated).item() == pytest.approx(8 / 3)
    expected = (math.log(math.cosh(2)) + math.log(math.cosh(1))) / 2
    assert distance_loss(real, generated, first_two, kind="log_cosh").item() == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "theirs"), [("l1", nn.L1Loss()), ("l2", nn.MSELoss())])
def test_l1_and_l2_are_those_of_torch_over_the_frames_that_count(kind: DistanceKind, theirs: nn.Module) -> None:
    real, generated = pair()
    assert_same(distance_loss(real.double(), generated.double(), kind=kind), theirs(generated, real), bound=1e-6)
    with float64():
        real, generated = real.double(), generated.double()
        ours = distance_loss(real, generated, mask(), kind=kind)
        assert_same(ours, theirs(own_frames(generated), own_frames(real)))


def test_log_cosh_is_that_of_numpy_from_tiny_errors_to_huge_ones() -> None:
    exact = np.logspace(-6, 2, 200)
    expected = np.log1p(2 * np.sinh(exact / 2) ** 2)  # cosh(x) = 1 + 2 sinh^2(x / 2), without cancellation
    with float64():
        assert_same(log_cosh(torch.from_numpy(exact)), torch.from_numpy(expected))
    # In float32 the rounding is that of |x|, not of log 2.
    ours = log_cosh(torch.from_numpy(exact).float()).double().numpy()
    assert (np.abs(ours - expected) <= 4 * np.finfo(np.float32).eps * exact).all()
    assert log_cosh(torch.tensor([1e30, -1e30])).tolist() == pytest.approx([1e30, 1e30])


@float64()
def test_the_slope_of_log_cosh_is_the_hyperbolic_tangent() -> None:
    x = (torch.arange(-200, 201) / 10).requires_grad_()
    (slope,) = torch.autograd.grad(log_cosh(x).sum(), x)
    assert_same(slope, torch.tanh(x))
    assert slope[200].item() == 0.0


@float64()
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences_and_none_reaches_the_real_side(kind: DistanceKind) -> None:
    real, generated = (x.double().requires_grad_() for x in pair())
    assert torch.autograd.gradcheck(lambda x: distance_loss(real, x, mask(), kind=kind), generated)
    loss = distance_loss(real, generated, mask(), kind=kind)
    (by_real,) = torch.autograd.grad(loss, real, allow_unused=True)
    assert by_real is None


@float64()
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_distance(kind: DistanceKind) -> None:
    real, generated = (x[1:2].double() for x in pair())
    alone = distance_loss(real[:, :, :20], generated[:, :, :20], kind=kind)
    assert_same(distance_loss(real, generated, mask()[1:2], kind=kind), alone)


@float64()
@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_a_batch_add_up_by_their_share_of_frames(kind: DistanceKind) -> None:
    real, generated = (x.double() for x in pair())
    whole = distance_loss(real, generated, mask(), kind=kind)
    parts = [distance_loss(real[i : i + 1], generated[i : i + 1], mask()[i : i + 1], kind=kind) for i in range(3)]
    shares = [length / sum(LENGTHS) for length in LENGTHS]
    assert float(whole) == pytest.approx(sum(float(x) * y for x, y in zip(parts, shares, strict=True)), rel=SAME)


@pytest.mark.parametrize("kind", KINDS)
def test_the_mel_loss_is_the_distance_of_the_kind_that_is_asked_for(kind: DistanceKind) -> None:
    real, generated = pair()
    assert torch.equal(mel_loss(real, generated, mask(), kind=kind), distance_loss(real, generated, mask(), kind=kind))
    assert torch.equal(mel_loss(real, generated, mask()), distance_loss(real, generated, mask(), kind="l1"))


def test_shapes_that_differ_and_distances_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match=r"real \[3, 4, 50\] and generated \[3, 1, 50\]"):
        distance_loss(pair()[0], pair(1)[1])
    with pytest.raises(ValueError, match="no distance 'l3': choose from l1, l2, log_cosh"):
        distance_loss(*pair(), kind="l3")  # type: ignore[arg-type]
