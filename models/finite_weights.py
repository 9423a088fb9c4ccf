"""Search weights for NaN and infinity, so that broken ones are never saved."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def first_not_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first tensor with a NaN or infinite value, if there is one; synchronises with the device once."""
    named = [(name, tensor) for name, tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    if not named:
        return None
    # The largest magnitude of each: infinite where a value is, NaN where one is NaN.
    largest = torch.stack([tensor.abs().max() for _, tensor in named]).isfinite().tolist()
    return next((name for (name, _), finite in zip(named, largest, strict=True) if not finite), None)


def tensors_in(tree: Any, name: str = "") -> Iterable[tuple[str, Tensor]]:
    """Every tensor of a nested state, by its dotted path."""
    if isinstance(tree, Tensor):
        yield name, tree
    elif isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from tensors_in(branch, f"{name}.{key}" if name else str(key))
