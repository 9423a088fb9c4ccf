"""The duration loss is nats per phoneme, by pencil."""

import torch

from losses import duration_loss


def test_costs_are_shared_out_over_the_real_phonemes_of_the_whole_batch() -> None:
    mask = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]]])
    # 6 nats for three phonemes and 4 for one are 10 nats for four, not the mean of 2 and 4.
    assert duration_loss(torch.tensor([6.0, 4.0]), mask).item() == 2.5


def test_every_utterance_is_taught_by_its_share_of_all_phonemes() -> None:
    cost = torch.tensor([6.0, 4.0], requires_grad=True)
    mask = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]]])
    (gradient,) = torch.autograd.grad(duration_loss(cost, mask), cost)
    assert gradient.tolist() == [0.25, 0.25]
