"""Exponential moving average of the weights (Polyak averaging): what is shipped as the voice."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def make_ema(network: Network) -> Network:
    """A copy that is never trained, in evaluation mode, holding the average."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def average_share(decay: float, *, step: int) -> float:
    """How much of the newest weights the average takes over.

    Args:
        decay: of the average per step, once it has settled.
        step: updates made so far; in early training the decay is (1 + step) / (10 + step) where that is less, so
            that the average does not remember the random weights it began with.
    """
    return 1 - min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, share: float | Tensor) -> None:
    """Move the average, in place, towards the newest weights by a share of the way; the share may be on the device."""
    kept: list[Tensor] = list(average.parameters())
    newest: list[Tensor] = list(network.parameters())
    if isinstance(share, Tensor):  # lerp would wait for it
        ways = torch._foreach_sub(newest, kept)
        torch._foreach_mul_(ways, share)
        torch._foreach_add_(kept, ways)
    else:
        torch._foreach_lerp_(kept, newest, share)
    for buffer, newest_buffer in zip(average.buffers(), network.buffers(), strict=True):
        buffer.copy_(newest_buffer)
