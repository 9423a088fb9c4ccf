"""Least-squares GAN losses (Mao et al., 2017), in VITS equations 8 and 9.

N sub-discriminators · lists run over sub-discriminators
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def discriminator_loss(
    disc_real_outputs: Sequence[Tensor], disc_generated_outputs: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Least-squares loss with target 1 for real and 0 for generated audio (equation 8).

    Args:
        disc_real_outputs: N tensors of any shape, logits of real audio.
        disc_generated_outputs: N tensors, logits of generated audio.

    Returns:
        The sum over sub-discriminators, 0-d; and the real and the generated term of each, detached 0-d tensors.

    Raises:
        ValueError: the lists have different lengths.
    """
    if len(disc_real_outputs) != len(disc_generated_outputs):
        raise ValueError(
            f"{len(disc_real_outputs)} outputs for real audio and {len(disc_generated_outputs)} for generated audio: "
            "give one of each for every sub-discriminator"
        )
    r_losses = [(1 - logits.float()).square().mean() for logits in disc_real_outputs]
    g_losses = [logits.float().square().mean() for logits in disc_generated_outputs]
    loss = torch.stack([*r_losses, *g_losses]).sum()
    return loss, [term.detach() for term in r_losses], [term.detach() for term in g_losses]


def generator_loss(disc_outputs: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Least-squares loss with target 1 for generated audio (equation 9).

    Args:
        disc_outputs: N tensors of any shape, logits of generated audio.

    Returns:
        The sum over sub-discriminators, 0-d; and the term of each, detached 0-d tensors.
    """
    gen_losses = [(1 - logits.float()).square().mean() for logits in disc_outputs]
    return torch.stack(gen_losses).sum(), [term.detach() for term in gen_losses]
