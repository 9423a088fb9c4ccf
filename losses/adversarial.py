"""Least-squares GAN losses (Mao et al., 2017) and feature matching (Larsen et al., 2016), in VITS equations 8 to 10.

N discriminators · the lists run over discriminators; features over discriminators, then layers
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(
    disc_real_outputs: Sequence[Tensor], disc_generated_outputs: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Real audio shall score 1 and made audio 0 (equation 8).

    Args:
        disc_real_outputs: N tensors of any shape, scores of real audio.
        disc_generated_outputs: N tensors, scores of made audio.

    Returns:
        The sum over discriminators, 0-d; and the real and the generated term of each, detached 0-d tensors.
    """
    real_parts = [(1 - scores.float()).square().mean() for scores in disc_real_outputs]
    generated_parts = [scores.float().square().mean() for scores in disc_generated_outputs]
    loss = torch.stack([*real_parts, *generated_parts]).sum()
    return loss, [part.detach() for part in real_parts], [part.detach() for part in generated_parts]


def generator_loss(disc_outputs: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Made audio shall score 1 (equation 9).

    Args:
        disc_outputs: N tensors of any shape, scores of made audio.

    Returns:
        The sum over discriminators, 0-d; and each sub-discriminator's part, detached 0-d tensors.
    """
    parts = [(1 - scores.float()).square().mean() for scores in disc_outputs]
    return torch.stack(parts).sum(), [part.detach() for part in parts]


def feature_loss(fmap_r: Sequence[Sequence[Tensor]], fmap_g: Sequence[Sequence[Tensor]]) -> Tensor:
    """Made audio shall look to every layer of every sub-discriminator as the real audio does (equation 10).

    Twice the sum over layers of the mean absolute difference; the two is HiFi-GAN's weight of this term, part of its
    published definition. The real side is a target and receives no gradient.

    Args:
        fmap_r: for each sub-discriminator, what each layer saw of real audio.
        fmap_g: the same of made audio, in the same shapes.

    Returns:
        0-d tensor.
    """
    pairs = [
        (real, made)
        for judge_r, judge_g in zip(fmap_r, fmap_g, strict=True)
        for real, made in zip(judge_r, judge_g, strict=True)
    ]
    return 2 * torch.stack([F.l1_loss(made.float(), real.detach().float()) for real, made in pairs]).sum()
