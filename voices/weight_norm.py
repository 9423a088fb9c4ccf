"""Weight normalisation (Salimans & Kingma, 2016) in files: w = g v / |v|, stored as magnitude g and direction v.

The length of v does not change the weight, but its gradient: further training needs the g and v of the file. Norms are
computed in float64 and rounded, so that `folded` inverts `unfolded` bit for bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from configs import InputError

# Names of the magnitude and the direction of `NAME.weight`: torch's older and newer ones.
_PAIRS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))
_SHORTEST = 1e-18  # the squares of this length and of its inverse are normal numbers in float32


@dataclass(frozen=True)
class WeightNorm:
    """Magnitude and direction of a weight that is normalised over its first dimension."""

    magnitude: Tensor  # [N, 1, ...]
    direction: Tensor  # [N, ...]

    def shaped(self, shape: Sequence[int]) -> "WeightNorm":
        """A copy for a weight that is stored in another shape."""
        magnitude = self.magnitude.reshape(len(self.magnitude), *[1] * (len(shape) - 1))
        return WeightNorm(magnitude.clone(), self.direction.reshape(shape).clone())


def folded(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The tensors in float32, with plain weights in place of normalised ones.

    Args:
        tensors: by the names of the file.
        source: the file, for messages.

    Raises:
        InputError: a magnitude does not fit its direction.
    """
    plain = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    for layer, magnitude_name, direction_name in _pairs(tensors):
        magnitude, direction = plain.pop(magnitude_name), plain.pop(direction_name)
        sizes = list(zip(magnitude.shape, direction.shape, strict=False))
        if magnitude.ndim != direction.ndim or any(size not in (1, whole) for size, whole in sizes):
            raise InputError(
                f"{source}: {magnitude_name} has the shape {list(magnitude.shape)}, and its direction "
                f"{list(direction.shape)}: it is damaged"
            )
        plain[f"{layer}weight"] = _product(magnitude, direction, _norm(direction, magnitude.shape))
    return plain


def weight_norms(tensors: Mapping[str, Tensor]) -> dict[str, WeightNorm]:
    """Magnitude and direction in float32 of every weight that `folded` folds, by the name that it has there.

    They are those of the file, except in rows whose direction has a length that float32 cannot square: these would be
    NaN in training and are decomposed again. Weights normalised over another dimension than the first are left out.
    """
    norms = {}
    for layer, magnitude_name, direction_name in _pairs(tensors):
        given = WeightNorm(tensors[magnitude_name].float(), tensors[direction_name].float())
        if given.magnitude.shape == (len(given.direction), *[1] * (given.direction.ndim - 1)):
            norm = _norm(given.direction, given.magnitude.shape)
            usable = (norm > _SHORTEST) & (norm < 1 / _SHORTEST)
            anew = unfolded(_product(given.magnitude, given.direction, norm))
            norms[f"{layer}weight"] = WeightNorm(
                torch.where(usable, given.magnitude, anew.magnitude),
                torch.where(usable, given.direction, anew.direction),
            )
    return norms


def stored(name: str, norm: WeightNorm) -> dict[str, Tensor]:
    """A normalised weight by the names of torch's modules and our files."""
    layer = name.removesuffix("weight")
    return {f"{layer}{end}": tensor for end, tensor in zip(_PAIRS[1], (norm.magnitude, norm.direction), strict=True)}


def unfolded(weight: Tensor) -> WeightNorm:
    """Magnitude and direction of a weight; rows of zeros are restored as zeros."""
    magnitude = _norm(weight, (len(weight), *[1] * (weight.ndim - 1)))
    return WeightNorm(magnitude, torch.where(magnitude > 0, weight, 1))


@torch.no_grad()
def put_weight_norm(layer: nn.Module, norm: WeightNorm) -> None:
    """Set magnitude and direction of a weight-normalised layer in place."""
    layer.get_parameter("parametrizations.weight.original0").copy_(norm.magnitude)
    layer.get_parameter("parametrizations.weight.original1").copy_(norm.direction)


def _pairs(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, str, str]]:
    """The name prefix of each normalised layer, and the names of its magnitude and its direction."""
    for magnitude_name, direction_name in _PAIRS:
        for name in tensors:
            layer = name.removesuffix(magnitude_name)
            if name.endswith(f".{magnitude_name}") and layer + direction_name in tensors:
                yield layer, name, layer + direction_name


def _product(magnitude: Tensor, direction: Tensor, norm: Tensor) -> Tensor:
    return direction * torch.where(norm > 0, magnitude / norm, 0)


def _norm(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The norm over every dimension of size one in this shape."""
    over = [dimension for dimension, size in enumerate(shape) if size == 1]
    return torch.linalg.vector_norm(weight.double(), dim=over, keepdim=True).float()
