"""Penalties on the gradient of a discriminator with respect to its input, which is differentiated again.

Gulrajani et al., 2017, equation 3 (norm 1); Mescheder, Geiger & Nowozin, 2018, equation 9 (norm 0, R1).

N sub-discriminators · B batch · S samples
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_SMALLEST = 1e-12  # inside the square root, whose slope at 0 is infinite


def input_gradient_norms(logits_of: Callable[[Tensor], Sequence[Tensor]], audio: Tensor) -> list[Tensor]:
    """The norm of each sub-discriminator's gradient with respect to each clip.

    A clip's logit is the mean over its positions. The norms have gradients with respect to the discriminator's weights.

    Args:
        logits_of: maps audio to N tensors [B, positions].
        audio: [B, 1, S]; no gradient reaches it.

    Returns:
        N of [B].
    """
    audio = audio.detach().requires_grad_()
    with torch.enable_grad(), torch.autocast(audio.device.type, enabled=False):
        clip_logits = [logits.flatten(1).mean(dim=1).sum() for logits in logits_of(audio)]  # clips do not interact
        gradients = [
            torch.autograd.grad(each, audio, create_graph=True, retain_graph=True)[0].flatten(1) for each in clip_logits
        ]
        return [(each.square().sum(dim=1) + _SMALLEST).sqrt() for each in gradients]


def gradient_penalty(norms: Tensor) -> Tensor:
    """Mean of (norm - 1)^2 over clips: [B] to 0-d."""
    return (norms - 1).square().mean()


def zero_centred_penalty(norms: Tensor) -> Tensor:
    """Half the mean of the squared norm over clips, R1 where they are those at real audio: [B] to 0-d."""
    return 0.5 * norms.square().mean()
