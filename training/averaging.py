"""Exponential moving average of the weights (Polyak averaging): what is shipped as the voice."""

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def make_average(network: Network) -> Network:
    """A copy that is never trained, in evaluation mode, holding the average."""
    return copy.deepcopy(network).eval().requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, *, decay: float, step: int) -> None:
    """Move the average a little towards the newest weights.

    Args:
        average: the average, changed in place.
        network: the network just updated.
        decay: of the average per step, once it has settled.
        step: updates made so far; in early training the decay is (1 + step) / (10 + step) where that is less, so
            that the average does not remember the random weights it began with.
    """
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for kept, newest in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(newest)
