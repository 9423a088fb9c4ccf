"""Feature matching: the L1 distance of a discriminator's feature maps of real and of generated audio.

Larsen et al. (2016); VITS, equation 10; MelGAN (Kumar et al., 2019), equation 4; EnCodec (Défossez et al., 2022),
equation 2. Lists run over sub-discriminators and then layers, of which the last gives the logits.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

FeatureMatchingKind = Literal["sum", "mean", "relative"]
_LEAST_MEAN = 1e-6  # of the magnitudes in a real map, where a distance is divided by it


def feature_loss(
    fmap_r: Sequence[Sequence[Tensor]], fmap_g: Sequence[Sequence[Tensor]], *, kind: FeatureMatchingKind = "sum"
) -> Tensor:
    """Distance of the feature maps of generated audio to those of real audio, which receive no gradient.

    "sum", of HiFi-GAN and VITS: twice the sum over all layers of the mean absolute difference. The factor is
    HiFi-GAN's weight of this term, part of its published definition.

    "mean", of MelGAN: the mean over all layers but each sub-discriminator's last. The paper's sum, and the weights of
    its code, differ from it by a factor that depends on the number of layers alone; a mean has one size for all.

    "relative", of EnCodec: the mean over the same layers, each distance divided by the mean magnitude of the real map,
    so that a layer does not count by the scale of its activations. That mean is taken over the whole batch, as
    published: micro-batches do not add up exactly to the loss of the whole batch.

    Args:
        fmap_r: for each sub-discriminator, every layer's feature map of real audio.
        fmap_g: the same for generated audio, in the same shapes.
        kind: one of the three definitions.

    Returns:
        0-d tensor.

    Raises:
        ValueError: the numbers of sub-discriminators or of layers differ, only logits are given where these do not
            count, or there is no such kind.
    """
    layers = [list(zip(real, generated, strict=True)) for real, generated in zip(fmap_r, fmap_g, strict=True)]
    if kind == "sum":
        return 2 * torch.stack([_distance(*pair) for pairs in layers for pair in pairs]).sum()
    hidden = [pair for pairs in layers for pair in pairs[:-1]]
    if not hidden:
        raise ValueError(f"feature matching of kind {kind!r} leaves the logits out: give the maps of the layers before")
    if kind == "mean":
        return torch.stack([_distance(*pair) for pair in hidden]).mean()
    if kind == "relative":
        return torch.stack([_distance(*pair) / _mean_magnitude(pair[0]) for pair in hidden]).mean()
    raise ValueError(f"there is no feature matching of kind {kind!r}: choose from sum, mean, relative")


def _distance(real: Tensor, generated: Tensor) -> Tensor:
    return F.l1_loss(generated.float(), real.detach().float())


def _mean_magnitude(real: Tensor) -> Tensor:
    return real.detach().float().abs().mean().clamp(min=_LEAST_MEAN)
