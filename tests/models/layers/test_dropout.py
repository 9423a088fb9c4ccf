"""Dropout drops as often as it says, and changes nothing on average."""

import math

import pytest
import torch

from models.layers.dropout import Dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(1001,), (300, 7, 501)])
def test_as_many_values_are_dropped_as_chance_would(probability: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    y = Dropout(probability)(torch.full(shape, 3.0))
    dropped, count = int((y == 0).sum()), y.numel()
    assert abs(dropped - probability * count) < 4 * math.sqrt(count * probability * (1 - probability))
    torch.testing.assert_close(y[y != 0], torch.full((count - dropped,), 3 / (1 - probability)))


def test_which_values_are_dropped_does_not_depend_on_their_neighbours() -> None:
    torch.manual_seed(3)
    dropped = (Dropout(0.3)(torch.ones(400_000)) == 0).float()
    for distance in (1, 2, 3, 4, 8):
        both = float((dropped[distance:] * dropped[:-distance]).mean())
        assert both == pytest.approx(0.09, abs=4 * math.sqrt(0.09 * 0.91 / 400_000))


def test_the_gradient_flows_where_the_value_did_and_nothing_is_dropped_in_use() -> None:
    torch.manual_seed(4)
    x = torch.ones(5000, requires_grad=True)
    layer = Dropout(0.25)
    y = layer(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_the_same_seed_drops_the_same_and_another_one_other_values() -> None:
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(Dropout(0.5)(torch.ones(100)))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
