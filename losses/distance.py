"""Distances of two signals or spectrograms, element by element: L1, L2 and log-cosh.

L1 is that of VITS (equation 2); log-cosh (Chen, Chen, Chen & Xu, "Log hyperbolic cosine loss improves variational
auto-encoder", 2018) is L2 for small errors and L1 for large ones, with a slope everywhere.

B batch · C channels: 1 of a waveform, the mel bands of a spectrogram · T time: samples or frames
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

DistanceKind = Literal["l1", "l2", "log_cosh"]


def distance_loss(real: Tensor, generated: Tensor, mask: Tensor | None = None, *, kind: DistanceKind = "l1") -> Tensor:
    """Mean distance over channels and over the times that count. The real side is a target without gradient.

    Args:
        real: [B, C, T].
        generated: [B, C, T].
        mask: [B, 1, T], ones at times that count, one of them at least; None counts all.
        kind: "l1", |x|; "l2", x squared; "log_cosh", log(cosh(x)); of the difference x.

    Returns:
        0-d tensor.

    Raises:
        ValueError: the shapes differ, or there is no such kind.
    """
    if real.shape != generated.shape:
        raise ValueError(f"real {list(real.shape)} and generated {list(generated.shape)} must have the same shape")
    if kind not in _DISTANCES:
        raise ValueError(f"there is no distance {kind!r}: choose from {', '.join(_DISTANCES)}")
    return masked_mean(_DISTANCES[kind](generated.float() - real.detach().float()), mask)


def masked_mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of [B, C, T] over channels and the times of a mask [B, 1, T]; 0-d. None counts all times."""
    if mask is None:
        return values.mean()
    mask = mask.float()
    return (values * mask).sum() / (mask.sum() * values.shape[1])


def log_cosh(x: Tensor) -> Tensor:
    """log(cosh(x)) of any shape, without overflow: |x| + log((1 + exp(-2 |x|)) / 2).

    With expm1 and log1p rounding stays small beside |x|; softplus(-2 |x|) - log 2 would cancel where |x| is small.
    """
    size = x.abs()
    return size + torch.log1p(torch.expm1(-2 * size) / 2)


_DISTANCES: dict[str, Callable[[Tensor], Tensor]] = {"l1": torch.abs, "l2": torch.square, "log_cosh": log_cosh}
