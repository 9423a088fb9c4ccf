"""The Wasserstein objective with clipped weights (Arjovsky, Chintala & Bottou, 2017), and with a gradient penalty."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import ParametrizationList

from configs import LossSettings
from losses.adversarial.objective import AdversarialObjective


class Wasserstein(AdversarialObjective, name="wasserstein"):
    """The critic's mean difference (2017, equation 2), with its weights in a box (algorithm 1).

    A Lipschitz constant that holds everywhere makes the largest difference a distance of distributions. The critic is
    to be near its optimum: several updates for each of the generator (`train.discriminator_updates`).
    """

    decision_boundary = None  # a critic's scores have no zero

    def __init__(self, settings: LossSettings) -> None:
        super().__init__(settings)
        self.bound = settings.clip_weights

    def real(self, logits: Tensor) -> Tensor:
        """Mean of -D."""
        return -logits.mean()

    def generated(self, logits: Tensor) -> Tensor:
        """Mean of D."""
        return logits.mean()

    def generator(self, logits: Tensor) -> Tensor:
        """Mean of -D."""
        return -logits.mean()

    @torch.no_grad()
    def after_update(self, discriminator: nn.Module, over_ranks: Callable[[Tensor], Tensor]) -> None:
        """Clip each weight and bias to [-clip_weights, clip_weights].

        A layer with weight norm is given the norm and the direction of its clipped weight; one with spectral norm is
        Lipschitz already and stays as it is.
        """
        clipped: set[int] = set()
        for module in discriminator.modules():
            if isinstance(module, ParametrizationList):
                originals = list(module.parameters(recurse=False))
                clipped |= {id(each) for each in originals}
                if not isinstance(module[0], _SpectralNorm):
                    inverse = module[0].right_inverse(module().clamp(-self.bound, self.bound))  # type: ignore[operator]
                    for original, value in zip(originals, inverse, strict=True):
                        original.copy_(value)  # in place, where a captured CUDA graph has them
        for parameter in discriminator.parameters():
            if id(parameter) not in clipped:
                parameter.clamp_(-self.bound, self.bound)


class WassersteinGp(Wasserstein, name="wasserstein_gp"):
    """The critic's gradient has norm 1 between real and generated audio (Gulrajani et al., 2017, equation 3)."""

    def penalised(self, real: Tensor, generated: Tensor) -> Tensor:
        """A random point on the line from each real to its generated clip."""
        place = torch.rand((len(real), 1, 1), device=real.device)
        return real.lerp(generated, place)

    def after_update(self, discriminator: nn.Module, over_ranks: Callable[[Tensor], Tensor]) -> None:
        """Clip nothing: the penalty takes its place."""
        return
