"""Masks of padded batches."""

import torch
from torch import Tensor


def length_mask(lengths: Tensor, size: int | Tensor) -> Tensor:
    """Ones up to each length and zeros after it.

    Args:
        lengths: [B], integers.
        size: T, the padded length; a tensor when traced for ONNX.

    Returns:
        [B, 1, T] in float32.
    """
    return (positions(size, lengths.device) < lengths[:, None]).float().unsqueeze(1)


def positions(size: int | Tensor, device: torch.device) -> Tensor:
    """The numbers 0 to `size` - 1, [T]."""
    return torch.arange(size, device=device)  # type: ignore[arg-type]
