"""The terms of the variational bound: reconstruction, KL divergence and durations (VITS, equations 2 to 4 and 7).

B batch · M mel bands · Z latent channels · F frames · P phonemes
"""

import torch
from torch import Tensor

from losses.distance import DistanceKind, distance_loss


def mel_loss(
    mel_real: Tensor, mel_generated: Tensor, mask: Tensor | None = None, *, kind: DistanceKind = "l1"
) -> Tensor:
    """Mean absolute difference of two log-mel spectrograms, before its weight (section 2.1.2, equation 2).

    Args:
        mel_real: [B, M, F], the target, which receives no gradient.
        mel_generated: [B, M, F].
        mask: [B, 1, F], ones at frames that count; None counts every frame.
        kind: another distance than VITS has, as in `losses.distance`.

    Returns:
        0-d tensor.
    """
    return distance_loss(mel_real, mel_generated, mask, kind=kind)


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, z_mask: Tensor) -> Tensor:
    """Estimate KL(q(z | x) || p(z | text)) from one sample, in nats per frame (section 2.1.3, equations 3 and 4).

    The posterior's entropy is exact; the prior's density is that of the sample after the flow, whose log-determinant
    is zero. Summed over latent channels, averaged over real frames.

    Args:
        z_p: [B, Z, F], a sample of the posterior after the flow.
        logs_q: [B, Z, F], log standard deviation of the posterior.
        m_p: [B, Z, F], mean of the prior of each frame's phoneme.
        logs_p: [B, Z, F], its log standard deviation.
        z_mask: [B, 1, F], ones at real frames.

    Returns:
        0-d tensor.
    """
    z_p, logs_q, m_p, logs_p, z_mask = (x.float() for x in (z_p, logs_q, m_p, logs_p, z_mask))
    per_cell = logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * torch.exp(-2 * logs_p)
    return (per_cell * z_mask).sum() / z_mask.sum()


def duration_loss(cost: Tensor, phoneme_mask: Tensor) -> Tensor:
    """Mean of the duration predictor's cost over all real phonemes of the batch (section 2.2.2, equation 7).

    Args:
        cost: [B], summed over each utterance's phonemes: nats (stochastic) or squared log frames (deterministic).
        phoneme_mask: [B, 1, P], ones at real phonemes.

    Returns:
        0-d tensor.
    """
    return cost.float().sum() / phoneme_mask.float().sum()
