"""Which places of a padded batch are real."""

import torch
from torch import Tensor


def length_mask(lengths: Tensor, size: int | Tensor) -> Tensor:
    """Ones up to each length and zeros after it.

    Args:
        lengths: [B], integers.
        size: T, the padded length; a tensor where a graph is traced for every length.

    Returns:
        [B, 1, T] in float32.
    """
    return (places(size, lengths.device) < lengths[:, None]).float().unsqueeze(1)


def places(size: int | Tensor, device: torch.device) -> Tensor:
    """The numbers 0 to `size` - 1, [T]."""
    return torch.arange(size, device=device)  # type: ignore[arg-type]
