"""Weight normalisation (Salimans & Kingma, 2016) in the files of others: w = g v / |v|, stored as g and v.

The norms are computed in float64 and rounded: what `unfolded` takes apart, `folded` puts together to the same bits.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from configs import InputError

# How a file may call the magnitude and the direction of `NAME.weight`: torch's older names, and its newer ones.
_PAIRS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))


def folded(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The tensors in float32, every normalised weight as the plain one that its layer multiplies by.

    Args:
        tensors: by the names of the file.
        source: names the file in what is said about it.

    Raises:
        InputError: a magnitude does not fit its direction.
    """
    plain = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    for magnitude_name, direction_name in _PAIRS:
        for name in [name for name in plain if name.endswith(f".{magnitude_name}")]:
            layer = name.removesuffix(magnitude_name)
            direction = plain.pop(layer + direction_name, None)
            if direction is None:
                continue
            magnitude = plain.pop(name)
            sizes = list(zip(magnitude.shape, direction.shape, strict=False))
            if magnitude.ndim != direction.ndim or any(size not in (1, whole) for size, whole in sizes):
                raise InputError(
                    f"{source}: {name} has the shape {list(magnitude.shape)}, and its direction "
                    f"{list(direction.shape)}: it is damaged"
                )
            norm = _norm(direction, magnitude.shape)
            plain[f"{layer}weight"] = direction * torch.where(norm > 0, magnitude / norm, 0)
    return plain


def unfolded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Magnitude and direction of a weight whose first dimension is normalised; those of zeros give zeros again."""
    magnitude = _norm(weight, (len(weight), *[1] * (weight.ndim - 1)))
    return magnitude, torch.where(magnitude > 0, weight, 1)


def _norm(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The norm over every dimension that has one place in this shape."""
    over = [dimension for dimension, size in enumerate(shape) if size == 1]
    return torch.linalg.vector_norm(weight.double(), dim=over, keepdim=True).float()
