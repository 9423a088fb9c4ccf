"""The first operation that makes what is not finite out of what is, is named with its line and its module."""

import inspect
import math

import pytest
import torch
from torch import Tensor, nn

from training.not_finite_operation import NotFiniteError, Worst, refusing_not_finite


class Root(nn.Module):
    """Takes the logarithm of a square root, of which either may break."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sqrt().log()


def line_of(text: str) -> int:
    """The line of this file that reads so."""
    source, _ = inspect.getsourcelines(inspect.getmodule(Root))  # type: ignore[arg-type]
    return 1 + next(place for place, line in enumerate(source) if line.strip() == text)


@pytest.mark.parametrize(
    ("value", "operation", "result"),
    [(-1.0, "aten.sqrt", Worst.NAN), (0.0, "aten.log", Worst.INFINITE)],
)
def test_a_forward_pass_is_named_with_its_module_and_its_line(value: float, operation: str, result: Worst) -> None:
    network = nn.Sequential(nn.Identity(), Root())
    with pytest.raises(NotFiniteError) as raised, refusing_not_finite({"network": network}):
        network(torch.tensor([1.0, value]))
    culprit = raised.value.culprit
    assert culprit.operation.startswith(operation)
    assert (culprit.result, culprit.module, culprit.backward) == (result, "network.1", False)
    assert culprit.place == f"tests/training/test_not_finite_operation.py:{line_of('return x.sqrt().log()')}"


def test_a_backward_pass_is_named_with_the_line_of_its_forward_operation() -> None:
    x = torch.tensor([4.0, 0.0], requires_grad=True)

    def step() -> None:
        root = x.sqrt()
        (2 * root).sum().backward()

    with pytest.raises(NotFiniteError) as raised, refusing_not_finite({}):
        step()
    culprit = raised.value.culprit
    assert culprit.backward
    assert culprit.result is Worst.INFINITE
    assert culprit.place == f"tests/training/test_not_finite_operation.py:{line_of('root = x.sqrt()')}"
    assert "in the backward pass, at tests/training/" in str(raised.value)


def test_an_update_in_place_is_seen_too() -> None:
    weights = [torch.ones(2), torch.full((2,), 1e30)]
    with pytest.raises(NotFiniteError, match=r"an infinite value of aten\._foreach_mul_"), refusing_not_finite({}):
        torch._foreach_mul_(weights, 1e30)


def test_what_is_infinite_on_purpose_or_was_given_is_no_first() -> None:
    given = torch.tensor([math.nan, 1.0])
    with refusing_not_finite({}):
        scores = torch.zeros(3).masked_fill(torch.tensor([True, False, False]), -math.inf)
        assert torch.equal(scores.softmax(dim=0), torch.tensor([0.0, 0.5, 0.5]))
        assert bool((given * 2 + 1).isnan().any())
        torch.empty(1000)
    assert not torch.is_anomaly_enabled()


def test_hooks_are_gone_after_an_error() -> None:
    network = nn.Sequential(Root())
    with pytest.raises(NotFiniteError), refusing_not_finite({"network": network}):
        network(torch.tensor([-1.0]))
    assert not network[0]._forward_pre_hooks
    assert not network[0]._forward_hooks
    assert bool(network(torch.tensor([-1.0])).isnan())
