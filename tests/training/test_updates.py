"""An update is made where the gradient is a number, and is as if it had not been asked for where it is not."""

import math

import pytest
import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler

from training.updates import Updates


def optimizer_of(weight: nn.Parameter, *, fused: bool = True) -> torch.optim.AdamW:
    return torch.optim.AdamW([weight], lr=0.1, fused=fused)


@pytest.mark.parametrize("fused", [True, False])
def test_updates_with_a_broken_one_among_them_are_the_updates_without_it(fused: bool) -> None:
    gradients = [torch.tensor([1.0, -2.0]), torch.tensor([math.nan, 1.0]), torch.tensor([0.5, 0.5])]
    weight, other = (nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer, usual = optimizer_of(weight, fused=fused), optimizer_of(other, fused=fused)
    updates = Updates(GradScaler("cpu", enabled=False), torch.device("cpu"))
    for gradient in gradients:
        weight.grad = gradient.clone()
        updates.step_if_finite("a", optimizer, gradient.norm())
    for gradient in (gradients[0], gradients[2]):
        other.grad = gradient.clone()
        usual.step()
    assert torch.equal(weight, other)
    assert float(optimizer.state[weight]["step"]) == 2


@pytest.mark.parametrize("fine", [None, 40, 49])
def test_only_many_broken_updates_in_a_row_are_hopeless(fine: int | None) -> None:
    weight, steady = (nn.Parameter(torch.ones(2)) for _ in range(2))
    updates = Updates(GradScaler("cpu", enabled=False), torch.device("cpu"))
    assert updates.stalled() == []
    for step in range(50):
        for name, one, value in (("a", weight, 1.0 if step == fine else math.inf), ("b", steady, 1.0)):
            one.grad = torch.full((2,), value)
            updates.step_if_finite(name, optimizer_of(one), one.grad.norm())
    assert updates.stalled() == (["a"] if fine is None else [])
