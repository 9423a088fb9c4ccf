"""Channels convolved as images are channels convolved."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.layers.depthwise import DepthwiseConv1d, depthwise
from tests.rounding import assert_same, float64
from tests.voices.random_voice import noise, randomised


@pytest.mark.parametrize(("kernel_size", "padding"), [(1, 0), (6, 5), (7, 3)])
@pytest.mark.parametrize("channels_last", [False, True])
@float64()
def test_each_channel_meets_its_own_kernel(kernel_size: int, padding: int, channels_last: bool) -> None:
    signal, kernels, bias = noise(2, 5, 20), noise(5, 1, kernel_size, seed=1), noise(5, seed=2)
    if channels_last:
        signal = signal.transpose(1, 2).contiguous().transpose(1, 2)
    made = depthwise(signal, kernels, bias, padding)
    expected = torch.stack(
        [F.conv1d(signal[:, c : c + 1], kernels[c : c + 1], bias[c : c + 1], padding=padding)[:, 0] for c in range(5)],
        dim=1,
    )
    assert_same(made, expected)
    assert made.transpose(1, 2).is_contiguous() == channels_last, "nothing is turned around"


@float64()
def test_layer_is_torchs_with_as_many_groups_as_channels() -> None:
    layer, theirs = randomised(lambda: DepthwiseConv1d(6, 7)), nn.Conv1d(6, 6, 7, padding=3, groups=6)
    theirs.load_state_dict(layer.state_dict())
    signal = noise(2, 6, 15)
    assert_same(layer(signal), theirs(signal))
