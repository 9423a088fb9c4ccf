"""The mel loss is a mean absolute difference, by pencil."""

import torch

from losses import mel_loss


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
