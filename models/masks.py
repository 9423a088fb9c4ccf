"""Which places of a padded batch are real."""

import torch
from torch import Tensor


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """Ones up to each length and zeros after it.

    Args:
        lengths: [B], integers.
        size: T, the padded length.

    Returns:
        [B, 1, T] in float32.
    """
    return (torch.arange(size, device=lengths.device) < lengths[:, None]).float().unsqueeze(1)
