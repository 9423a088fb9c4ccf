"""The KL estimate against pencil arithmetic and torch.distributions; the mel and duration losses by pencil."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from losses import duration_loss, kl_loss, mel_loss
from tests.rounding import SAME, float64

BATCH, CHANNELS, FRAMES = 2, 4, 7
LENGTHS = (7, 3)


def statistics() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Mean and log std of a posterior and of a prior, and which frames are real."""
    generator = torch.Generator().manual_seed(0)
    means = [torch.randn(BATCH, CHANNELS, FRAMES, generator=generator) for _ in range(2)]
    log_stds = [0.5 * torch.randn(BATCH, CHANNELS, FRAMES, generator=generator) for _ in range(2)]
    mask = (torch.arange(FRAMES) < torch.tensor(LENGTHS)[:, None]).float()[:, None]
    return means[0], log_stds[0], means[1], log_stds[1], mask


def exact(m_q: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> float:
    q, p = Normal(m_q.double(), logs_q.double().exp()), Normal(m_p.double(), logs_p.double().exp())
    return float((kl_divergence(q, p) * mask).sum() / sum(LENGTHS))


@float64()
def test_kl_of_one_cell_by_pencil() -> None:
    cell = torch.ones(1, 1, 1)
    loss = kl_loss(3 * cell, math.log(2.0) * cell, 1 * cell, math.log(4.0) * cell, cell)
    # log 4 - log 2 - 1/2 + (3 - 1)^2 / (2 * 16)
    assert loss.item() == pytest.approx(math.log(2.0) - 0.5 + 0.125, abs=SAME)


@float64()
def test_kl_is_summed_over_channels_and_averaged_over_real_frames() -> None:
    # Each cell costs 1/2: the sample stands sqrt 2 away from a prior of deviation one, the posterior has the same one.
    z_p, zero = torch.full((2, 3, 4), math.sqrt(2.0)), torch.zeros(2, 3, 4)
    mask = torch.tensor([[[1.0, 1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0, 0.0]]])
    assert kl_loss(z_p, zero, zero, zero, mask).item() == pytest.approx(3 * 0.5, abs=SAME)


@float64()
def test_kl_is_exact_when_the_sample_is_averaged_over_one_deviation_on_either_side() -> None:
    """The two samples m + s and m - s have the posterior's first two moments, and the loss knows no others."""
    m_q, logs_q, m_p, logs_p, mask = statistics()
    sides = [kl_loss(m_q + sign * logs_q.exp(), logs_q, m_p, logs_p, mask).item() for sign in (1, -1)]
    assert sum(sides) / 2 == pytest.approx(exact(m_q, logs_q, m_p, logs_p, mask), abs=SAME)


def test_kl_is_right_on_average_and_its_error_shrinks_as_samples_grow() -> None:
    m_q, logs_q, m_p, logs_p, mask = statistics()
    generator = torch.Generator().manual_seed(1)

    def estimates(samples: int) -> Tensor:
        drawn = torch.randn(samples, BATCH, CHANNELS, FRAMES, generator=generator)
        return torch.stack([kl_loss(m_q + noise * logs_q.exp(), logs_q, m_p, logs_p, mask) for noise in drawn])

    truth = exact(m_q, logs_q, m_p, logs_p, mask)
    drawn = estimates(6400)
    standard_error = float(drawn.std()) / 80
    assert abs(float(drawn.mean()) - truth) < 4 * standard_error
    # A hundred times the samples, a tenth of the error.
    small = (drawn.view(64, 100)[:, :1].mean(dim=1) - truth).square().mean().sqrt()
    large = (drawn.view(64, 100).mean(dim=1) - truth).square().mean().sqrt()
    assert 0.05 < float(large / small) < 0.2


def test_what_is_masked_has_no_effect_on_the_loss_or_its_gradients() -> None:
    m_q, logs_q, m_p, logs_p, mask = statistics()
    clean = [m_q, logs_q, m_p, logs_p]
    dirty = [torch.where(mask > 0, x, 7.0 + i).requires_grad_() for i, x in enumerate(clean)]
    loss = kl_loss(dirty[0], dirty[1], dirty[2], dirty[3], mask)
    assert loss.item() == kl_loss(m_q, logs_q, m_p, logs_p, mask).item()
    assert all(not (gradient * (1 - mask)).any() for gradient in torch.autograd.grad(loss, dirty))


@float64()
def test_kl_has_the_gradients_of_its_equation_by_pencil() -> None:
    cell = torch.ones(1, 1, 1)
    inputs = [(value * cell).requires_grad_() for value in (3.0, 0.0, 1.0, math.log(2.0))]
    gradients = torch.autograd.grad(kl_loss(inputs[0], inputs[1], inputs[2], inputs[3], cell), inputs)
    # (z - m) / s^2 = 2 / 4;  -1;  the negative of the first;  1 - (z - m)^2 / s^2 = 1 - 4 / 4.
    assert [gradient.item() for gradient in gradients] == pytest.approx([0.5, -1.0, -0.5, 0.0], abs=SAME)


def test_mel_loss_by_pencil() -> None:
    real = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    made = torch.tensor([[[1.0, 0.0], [4.0, 5.0]]])
    assert mel_loss(real, made).item() == 1.0  # (0 + 2 + 1 + 1) / 4


def test_mel_loss_counts_only_the_frames_of_its_mask() -> None:
    real = torch.zeros(2, 2, 3)
    made = torch.tensor([[[1.0, 2.0, 9e9], [3.0, 4.0, 9e9]], [[5.0, 9e9, 9e9], [7.0, 9e9, 9e9]]])
    mask = torch.tensor([[[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]])
    # (1 + 3) and (2 + 4) of one clip, (5 + 7) of the other: 22 over three frames of two bands.
    torch.testing.assert_close(mel_loss(real, made, mask), torch.tensor(22 / 6))
    torch.testing.assert_close(mel_loss(real, made, torch.ones(2, 1, 3)), mel_loss(real, made))


def test_mel_loss_teaches_every_cell_alike() -> None:
    made = torch.tensor([[[1.0, -2.0], [4.0, -5.0]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(mel_loss(torch.zeros(1, 2, 2), made), made)
    assert gradient.tolist() == [[[0.25, -0.25], [0.25, -0.25]]]


def test_costs_are_shared_out_over_the_real_phonemes_of_the_whole_batch() -> None:
    mask = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]]])
    # 6 nats for three phonemes and 4 for one are 10 nats for four, not the mean of 2 and 4.
    assert duration_loss(torch.tensor([6.0, 4.0]), mask).item() == 2.5


def test_every_utterance_is_taught_by_its_share_of_all_phonemes() -> None:
    cost = torch.tensor([6.0, 4.0], requires_grad=True)
    mask = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]]])
    (gradient,) = torch.autograd.grad(duration_loss(cost, mask), cost)
    assert gradient.tolist() == [0.25, 0.25]
