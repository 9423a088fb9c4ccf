"""Whether weights are finite: those that are not are never written to the disk."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def first_not_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first tensor with a value that is NaN or infinite, if there is one; waits for the device once."""
    named = [(name, tensor) for name, tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    if not named:
        return None
    # The largest magnitude of each: infinite where a value is, NaN where one is NaN.
    largest = torch.stack([tensor.abs().max() for _, tensor in named]).isfinite().tolist()
    return next((name for (name, _), finite in zip(named, largest, strict=True) if not finite), None)


def tensors_in(tree: Any, name: str = "") -> Iterable[tuple[str, Tensor]]:
    """Every tensor of a state, by the names on the way to it."""
    if isinstance(tree, Tensor):
        yield name, tree
    elif isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from tensors_in(branch, f"{name}.{key}" if name else str(key))
