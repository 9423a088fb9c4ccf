"""Losses between speakers: contrastive losses on embeddings, cycle consistency and identity of voice conversion.

Hadsell, Chopra & LeCun, "Dimensionality Reduction by Learning an Invariant Mapping" (2006); van den Oord, Li & Vinyals,
"Representation Learning with Contrastive Predictive Coding" (2018); Zhu, Park, Isola & Efros, "Unpaired Image-to-Image
Translation using Cycle-Consistent Adversarial Networks" (2017).

N pairs or queries · R references · E embedding · B batch · M mel bands · F frames
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.distance import distance_loss


def contrastive_loss(generated: Tensor, reference: Tensor, same: Tensor, *, margin: float = 1.0) -> Tensor:
    """Pull embeddings of one speaker together, and those of two apart up to a margin (Hadsell et al., equation 4).

    The mean over pairs of D^2 / 2 where the speaker is the same, and of max(0, margin - D)^2 / 2 where it is not, D the
    Euclidean distance. Their label Y is 1 where a pair differs; here 1 is the same speaker. Two equal embeddings of
    different speakers have no direction to be pushed in: they cost margin^2 / 2 and have no gradient.

    Args:
        generated: [N, E].
        reference: [N, E], the target, which receives no gradient.
        same: [N], 1 or True where both are of one speaker, else 0.
        margin: beyond which different speakers cost nothing; embeddings of length 1 are at most 2 apart.

    Returns:
        0-d tensor.
    """
    squared = (generated.float() - reference.detach().float()).square().sum(dim=1)  # [N]
    apart = squared > 0  # the slope of a square root at 0 is infinite
    distance = torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)
    same = same.float()
    return (same * squared + (1 - same) * (margin - distance).clamp(min=0).square()).mean() / 2


def info_nce_loss(
    generated: Tensor, references: Tensor, speakers: Tensor, reference_speakers: Tensor, *, temperature: float = 0.1
) -> Tensor:
    """Tell the reference of an embedding's speaker from those of others (van den Oord et al., equation 4), in nats.

    The score of a pair is exp(cosine similarity / temperature). A query with several references of its speaker has the
    mean of their losses (Khosla et al., "Supervised Contrastive Learning", 2020, equation 2); one with none costs
    nothing, and does not count.

    Args:
        generated: [N, E], the queries.
        references: [R, E], which receive no gradient.
        speakers: [N], integers.
        reference_speakers: [R], integers.
        temperature: smaller values weigh the most similar references of other speakers more.

    Returns:
        0-d tensor; log(R) where nothing is told apart, and 0 where no query has a reference.
    """
    queries, references = F.normalize(generated.float(), dim=1), F.normalize(references.detach().float(), dim=1)
    with torch.autocast(generated.device.type, enabled=False):
        log_shares = (queries @ references.T / temperature).log_softmax(dim=1)  # [N, R]
    positive = (speakers[:, None] == reference_speakers).to(log_shares.dtype)
    count = positive.sum(dim=1)
    each = -(positive * log_shares).sum(dim=1) / count.clamp(min=1)
    return each.sum() / (count > 0).sum().clamp(min=1)


def cycle_consistency_loss(mel_real: Tensor, mel_cycled: Tensor, mask: Tensor | None = None) -> Tensor:
    """L1 of a recording and what two conversions, to another speaker and back, make of it (Zhu et al., equation 2).

    Args:
        mel_real: [B, M, F], log-mel of the recording, which receives no gradient.
        mel_cycled: [B, M, F], log-mel after the conversions.
        mask: [B, 1, F], ones at frames that count; None counts every frame.

    Returns:
        0-d tensor.
    """
    return distance_loss(mel_real, mel_cycled, mask, kind="l1")


def identity_loss(mel_real: Tensor, mel_same: Tensor, mask: Tensor | None = None) -> Tensor:
    """L1 of a recording and what a conversion to its own speaker makes of it (Zhu et al., section 5.2).

    Args:
        mel_real: [B, M, F], log-mel of the recording, which receives no gradient.
        mel_same: [B, M, F], log-mel after the conversion.
        mask: [B, 1, F], ones at frames that count; None counts every frame.

    Returns:
        0-d tensor.
    """
    return distance_loss(mel_real, mel_same, mask, kind="l1")
