"""DRAGAN: a gradient penalty around real samples (Kodali et al., 2017, section 2.3)."""

import torch
from torch import Tensor

from losses.adversarial.minimax import NonSaturating

_NOISE = 0.5  # width of the uniform noise, in standard deviations of the clip, as in the authors' code


class Dragan(NonSaturating, name="dragan"):
    """The non-saturating game, where the discriminator's gradient has norm 1 around real audio.

    Local equilibria in which the game gets stuck have sharp gradients there.
    """

    def penalised(self, real: Tensor, generated: Tensor) -> Tensor:
        """Real audio plus noise in proportion to the level of its clip."""
        deviation = real.std(dim=(1, 2), keepdim=True)
        return real + _NOISE * deviation * torch.rand_like(real)
