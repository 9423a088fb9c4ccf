"""A value that is not finite is found, whatever tensor of a state holds it."""

import math

import pytest
import torch

from models.finite_weights import first_not_finite, tensors_in

STATE = {
    "weights": {"a": torch.ones(2), "half": torch.ones(2, dtype=torch.float16), "empty": torch.zeros(0)},
    "optimizer": {0: {"step": torch.tensor(3.0), "moment": torch.ones(2, 3)}, 1: {"count": torch.tensor(3)}},
    "step": 4,
}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["weights.a", "weights.half", "optimizer.0.step", "optimizer.0.moment"])
def test_the_tensor_with_the_value_is_named(name: str, value: float) -> None:
    tensors = {name: tensor.clone() for name, tensor in tensors_in(STATE)}
    assert first_not_finite(tensors.items()) is None
    tensors[name].view(-1)[-1] = value
    assert first_not_finite(tensors.items()) == name


def test_nothing_at_all_is_finite() -> None:
    assert first_not_finite([]) is None
