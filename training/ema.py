"""Exponential moving average (EMA) of the weights, which becomes the voice.

torch.optim.swa_utils.AveragedModel copies the weights at its first update and asks the device for its count at every
one; here the EMA starts as the first weights, and its weight is a tensor that a captured CUDA graph can read.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def make_ema(network: Network) -> Network:
    """A copy of a network in evaluation mode, without gradients, that holds its EMA."""
    return copy.deepcopy(network).eval().requires_grad_(False)


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, weight: float | Tensor) -> None:
    """Interpolate the EMA, in place, towards the newest weights; the weight may be a 0-d tensor on the device."""
    kept: list[Tensor] = list(ema.parameters())
    newest: list[Tensor] = list(network.parameters())
    if isinstance(weight, Tensor):  # lerp would wait for it
        ways = torch._foreach_sub(newest, kept)
        torch._foreach_mul_(ways, weight)
        torch._foreach_add_(kept, ways)
    else:
        torch._foreach_lerp_(kept, newest, weight)
    for buffer, newest_buffer in zip(ema.buffers(), network.buffers(), strict=True):
        buffer.copy_(newest_buffer)
