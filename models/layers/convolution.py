"""The convolutions of the heavy networks, in either memory layout.

The fast kernels of a GPU's matrix units want the channels of a place side by side, and torch has that layout for images
only: a signal is then an image one pixel high. Which layout is faster depends on device, shapes and precision, so it is
a setting (`train.channels_last`) and a measurement (tests/benchmarks/RESULTS.md). What is computed is the same, up to
rounding.

B batch · C channels · T time
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` that can compute with channels last."""

    channels_last = False

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not self.channels_last:
            return super()._conv_forward(input, weight, bias)
        stride, padding, dilation = (1, *self.stride), (0, *map(int, self.padding)), (1, *self.dilation)
        image, kernel = (_channels_last(x.unsqueeze(2)) for x in (input, weight))  # [B, C, 1, T]
        return F.conv2d(image, kernel, bias, stride, padding, dilation, self.groups).squeeze(2)


class Conv2d(nn.Conv2d):
    """`nn.Conv2d` that can compute with channels last."""

    channels_last = False

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.channels_last:
            input, weight = _channels_last(input), _channels_last(weight)
        return super()._conv_forward(input, weight, bias)


def use_channels_last(network: nn.Module, wanted: bool) -> None:
    """Let the convolutions of a network compute with channels last, or not."""
    for module in network.modules():
        if isinstance(module, (Conv1d, Conv2d)):
            module.channels_last = wanted


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
