"""KL divergence between the posterior and the flow prior (VITS, section 2.1.3, equations 3 and 4)."""

import torch
from torch import Tensor


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, z_mask: Tensor) -> Tensor:
    """Estimate KL(q(z | x) || p(z | text)) from one sample, per real frame, in nats.

    The posterior's part, its entropy, is known exactly; the prior's part is the density of the sample after the flow,
    whose log-determinant is zero. Summed over latent channels, averaged over real frames.

    Args:
        z_p: [B, Z, F], a sample of the posterior seen through the flow.
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
