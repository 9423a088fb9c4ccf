"""Depthwise convolution of a signal, computed as that of an image one pixel high, which is faster on a CPU.

512 channels, 400 positions, kernel 7: 0.07 ms instead of 0.40 ms in torch, 0.17 instead of 0.27 in ONNX Runtime.

B batch · C channels · T time · K kernel
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def depthwise(signal: Tensor, kernels: Tensor, bias: Tensor | None = None, padding: int = 0) -> Tensor:
    """Convolve each channel of a signal [B, C, T] with its own kernel of [C, 1, K], zero-padded on both sides.

    Returns:
        [B, C, T + 2 * padding - K + 1], in the memory format of the signal.
    """
    if torch.compiler.is_compiling():  # which specialises on the strides of such an image and fails at other lengths
        return F.conv1d(signal, kernels, bias, padding=padding, groups=kernels.shape[0])
    image, kernel = signal.unsqueeze(2), kernels.unsqueeze(2)
    return F.conv2d(image, kernel, bias, padding=(0, padding), groups=kernels.shape[0]).squeeze(2)


class DepthwiseConv1d(nn.Conv1d):
    """A depthwise convolution that keeps the length; the kernel is odd."""

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__(channels, channels, kernel_size, padding=kernel_size // 2, groups=channels)

    def forward(self, input: Tensor) -> Tensor:
        """Transform [B, C, T]."""
        return depthwise(input, self.weight, self.bias, self.kernel_size[0] // 2)
