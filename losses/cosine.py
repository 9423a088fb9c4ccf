"""Cosine distance of spectral frames: their shapes are compared and their sizes are not.

B batch · M mel bands · F frames
"""

from torch import Tensor
from torch.nn import functional as F

from losses.distance import masked_mean


def cosine_loss(real: Tensor, generated: Tensor, mask: Tensor | None = None) -> Tensor:
    """1 - cos of the angle between the frames of two spectrograms, averaged over the frames that count.

    A frame of zeros has no direction: it costs 1 and gives no gradient, as `torch.nn.CosineSimilarity` has it.

    Args:
        real: [B, M, F], the target, which receives no gradient.
        generated: [B, M, F].
        mask: [B, 1, F], ones at frames that count; None counts every frame.

    Returns:
        0-d tensor, from 0 to 2.
    """
    cosine = F.cosine_similarity(generated.float(), real.detach().float(), dim=1)  # [B, F]
    return masked_mean(1 - cosine.unsqueeze(1), mask)
