"""GAN losses and feature matching against pencil arithmetic."""

import pytest
import torch
from torch import Tensor

from losses import discriminator_loss, feature_loss, generator_loss


def scores() -> tuple[list[Tensor], list[Tensor]]:
    """Logits of two sub-discriminators with different numbers of positions, of real and of generated audio."""
    real = [torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 1.0, 1.0, 1.0]])]
    generated = [torch.tensor([[0.5, 0.5]]), torch.tensor([[0.0, 2.0, 0.0, 0.0]])]
    return real, generated


def test_discriminator_loss_by_pencil() -> None:
    loss, r_losses, g_losses = discriminator_loss(*scores())
    # Real: ((1-1)^2 + (1-0)^2) / 2 = 0.5 and (1-3)^2 / 4 = 1. Generated: 2 * 0.25 / 2 = 0.25 and 4 / 4 = 1.
    assert [part.item() for part in r_losses] == [0.5, 1.0]
    assert [part.item() for part in g_losses] == [0.25, 1.0]
    assert loss.item() == 2.75


def test_generator_loss_by_pencil() -> None:
    loss, parts = generator_loss(scores()[1])
    # 0.5^2 = 0.25, and (1 + 1 + 1 + 1) / 4 = 1.
    assert [part.item() for part in parts] == [0.25, 1.0]
    assert loss.item() == 1.25


def test_a_perfect_discriminator_has_no_loss_and_neither_has_a_perfect_generator() -> None:
    ones, zeros = [torch.ones(2, 5)], [torch.zeros(2, 5)]
    assert discriminator_loss(ones, zeros)[0].item() == 0.0
    assert discriminator_loss(zeros, ones)[0].item() == 2.0
    assert generator_loss(ones)[0].item() == 0.0


def test_feature_loss_by_pencil_is_doubled_and_weighs_every_layer_alike() -> None:
    real = [[torch.tensor([1.0, 2.0]), torch.tensor([0.0])], [torch.tensor([1.0, 1.0, 1.0, 1.0])]]
    generated = [[torch.tensor([2.0, 4.0]), torch.tensor([0.5])], [torch.tensor([1.0, 1.0, 1.0, -3.0])]]
    # (1 + 2) / 2 = 1.5, 0.5 and 4 / 4 = 1, summed to 3 and doubled.
    assert feature_loss(real, generated).item() == 6.0


def test_parts_are_detached_and_without_dimensions_while_the_losses_have_gradients() -> None:
    real = [x.requires_grad_() for x in scores()[0]]
    generated = [x.requires_grad_() for x in scores()[1]]
    loss, r_losses, g_losses = discriminator_loss(real, generated)
    other_loss, parts = generator_loss(generated)
    for part in (*r_losses, *g_losses, *parts):
        assert part.ndim == 0
        assert not part.requires_grad
    for total in (loss, other_loss):
        assert total.ndim == 0
        assert total.requires_grad


def test_gradients_of_the_discriminator_loss_by_pencil() -> None:
    real = torch.tensor([[3.0, 1.0]], requires_grad=True)
    generated = torch.tensor([[0.5, 2.0]], requires_grad=True)
    by_real, by_generated = torch.autograd.grad(discriminator_loss([real], [generated])[0], (real, generated))
    assert by_real.tolist() == [[2.0, 0.0]]  # -2 (1 - s) / 2
    assert by_generated.tolist() == [[0.5, 2.0]]  # 2 s / 2


def test_feature_loss_has_a_gradient_for_the_generated_side_and_none_for_the_real_one() -> None:
    real = torch.tensor([1.0, 5.0, 2.0, 2.0], requires_grad=True)
    generated = torch.tensor([3.0, 1.0, 2.5, 1.0], requires_grad=True)
    by_real, by_generated = torch.autograd.grad(
        feature_loss([[real]], [[generated]]), (real, generated), allow_unused=True
    )
    assert by_real is None
    assert by_generated is not None
    assert by_generated.tolist() == [0.5, -0.5, 0.5, -0.5]  # twice the sign, over four


def test_the_generator_loss_never_reaches_what_only_real_audio_went_through() -> None:
    real, generated = scores()
    real = [x.requires_grad_() for x in real]
    generated = [x.requires_grad_() for x in generated]
    total = generator_loss(generated)[0] + feature_loss([real], [[generated[0] + 1, generated[1] + 1]])
    assert all(gradient is None for gradient in torch.autograd.grad(total, real, allow_unused=True))


def test_sub_discriminators_or_layers_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 outputs for real audio and 2 for generated audio"):
        discriminator_loss([torch.ones(2)], [torch.ones(2), torch.ones(2)])
    one, two = [[torch.ones(2)]], [[torch.ones(2), torch.ones(2)]]
    with pytest.raises(ValueError, match=r"shorter|longer"):
        feature_loss(one, two)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        feature_loss(one, one + one)
