"""Perceptual loss: the distance of what a frozen network makes of real and of generated audio.

Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution" (2016), section 3.1,
equation 2: the squared Euclidean distance of feature maps, divided by their size.

B batch · C channels · T positions in time · S samples, or any other unit of time
"""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from losses.distance import distance_loss


def perceptual_loss(
    real_maps: Sequence[Tensor], generated_maps: Sequence[Tensor], mask: Tensor | None = None
) -> Tensor:
    """Mean squared difference of each layer's feature maps, averaged over layers; the real side has no gradient.

    Args:
        real_maps: of each layer, [B, C, T]; channels and positions may differ from layer to layer.
        generated_maps: of the same shapes.
        mask: [B, 1, S], ones at times that count; a position of a map counts where any of its time does. None counts
            all.

    Returns:
        0-d tensor.

    Raises:
        ValueError: there are no maps, or their number or shapes differ.
    """
    if not real_maps or len(real_maps) != len(generated_maps):
        raise ValueError(f"{len(real_maps)} real and {len(generated_maps)} generated feature maps: give equally many")
    each = []
    for real, generated in zip(real_maps, generated_maps, strict=True):
        own = None if mask is None else F.adaptive_max_pool1d(mask.float(), real.shape[-1])
        each.append(distance_loss(real, generated, own, kind="l2"))
    return sum(each[1:], start=each[0]) / len(each)
