"""The cosine distance of frames against torch.nn.CosineSimilarity and by pencil."""

import math

import pytest
import torch
from torch import Tensor, nn

from losses import cosine_loss
from tests.rounding import assert_same, float64

LENGTHS = (12, 5)


def pair() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(12) < torch.tensor(LENGTHS)[:, None]).float().unsqueeze(1)
    real, generated = (torch.randn(2, 7, 12, generator=generator, dtype=torch.float64) for _ in range(2))
    return real, generated, mask


def test_angles_by_pencil() -> None:
    real = torch.tensor([[[1.0, 1.0, 1.0, 2.0], [0.0, 0.0, 0.0, 2.0]]])  # frames (1, 0), (1, 0), (1, 0), (2, 2)
    generated = torch.tensor([[[3.0, 0.0, -1.0, 1.0], [0.0, 2.0, 0.0, 0.0]]])  # at 0, 90, 180 and 45 degrees
    each = [cosine_loss(real[:, :, i : i + 1], generated[:, :, i : i + 1]).item() for i in range(4)]
    assert each == pytest.approx([0.0, 1.0, 2.0, 1 - math.sqrt(0.5)], abs=1e-6)


@float64()
def test_it_is_that_of_torch_over_the_frames_that_count() -> None:
    real, generated, mask = pair()
    theirs = 1 - nn.CosineSimilarity(dim=1)(real, generated)
    own = torch.cat([theirs[clip, :length] for clip, length in enumerate(LENGTHS)])
    assert_same(cosine_loss(real, generated, mask), own.mean())
    assert_same(cosine_loss(real, generated), theirs.mean())


@float64()
def test_a_frame_that_is_louder_costs_nothing_and_padding_neither() -> None:
    real, generated, mask = pair()
    assert float(cosine_loss(real, 7 * real, mask)) == pytest.approx(0.0, abs=1e-12)
    alone = cosine_loss(real[1:, :, :5], generated[1:, :, :5])
    assert_same(cosine_loss(real[1:], generated[1:], mask[1:]), alone)


@float64()
def test_gradients_are_those_of_finite_differences_and_none_reaches_the_real_side() -> None:
    real, generated, mask = pair()
    real, generated = real.requires_grad_(), generated.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cosine_loss(real, x, mask), generated)
    (by_real,) = torch.autograd.grad(cosine_loss(real, generated, mask), real, allow_unused=True)
    assert by_real is None


def test_a_frame_of_zeros_is_finite_and_so_is_its_gradient() -> None:
    real = torch.zeros(1, 4, 3)
    generated = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for target, made in ((real, generated), (generated.detach(), real.clone().requires_grad_())):
        loss = cosine_loss(target, made)
        (gradient,) = torch.autograd.grad(loss, made)
        assert loss.item() == 1.0
        assert bool(gradient.isfinite().all())
