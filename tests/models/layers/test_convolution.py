"""The layout of memory changes where numbers lie, and no number."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from models.layers.convolution import Conv1d, Conv2d, use_channels_last


@pytest.mark.parametrize(
    ("convolution", "shape"),
    [
        (Conv1d(6, 10, 5, padding=2), (3, 6, 40)),
        (Conv1d(8, 16, 41, stride=4, padding=20, groups=4), (2, 8, 64)),
        (Conv1d(6, 6, 3, padding=9, dilation=9, bias=False), (2, 6, 33)),
        (Conv2d(4, 8, (5, 1), (3, 1), padding=(2, 0)), (2, 4, 31, 3)),
    ],
)
def test_channels_last_computes_what_torch_computes_forward_and_backward(
    convolution: Conv1d | Conv2d, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(3)
    network = nn.Sequential(weight_norm(convolution), nn.LeakyReLU(0.1)).double()
    results = []
    for wanted in (False, True):
        use_channels_last(network, wanted)
        network.zero_grad()
        x = torch.linspace(-1, 1, torch.Size(shape).numel(), dtype=torch.float64).view(shape).requires_grad_()
        y = network(x)
        y.square().sum().backward()
        results.append([y, x.grad, *(weight.grad for weight in network.parameters())])
    for usual, other in zip(*results, strict=True):
        torch.testing.assert_close(other, usual)
    assert results[1][0].stride(1) == 1
    assert results[0][0].stride(1) != 1
