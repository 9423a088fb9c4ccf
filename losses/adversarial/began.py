"""BEGAN: boundary equilibrium, with an autoencoder as discriminator (Berthelot, Schumm & Metz, 2017, section 3.4)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from configs import LossSettings
from losses.adversarial.objective import AdversarialObjective

_GAIN = 1e-3  # lambda_k: how fast k adapts


class Began(AdversarialObjective, name="began"):
    """The autoencoder is to reconstruct real audio well, and generated audio worse by the factor gamma.

    A logit is the error of reconstruction of a clip. k in [0, 1], the weight of the generated audio, adapts so that
    E[L(generated)] / E[L(real)] approaches gamma.
    """

    decision_boundary = None
    k: Tensor
    convergence: Tensor
    _errors: Tensor

    def __init__(self, settings: LossSettings) -> None:
        super().__init__(settings)
        self.gamma = settings.began_gamma
        self.register_buffer("k", torch.zeros(()))
        self.register_buffer("convergence", torch.zeros(()))
        self.register_buffer("_errors", torch.zeros(2), persistent=False)  # real and generated, since the last update

    def real(self, logits: Tensor) -> Tensor:
        """L(real): the mean error."""
        return logits.mean()

    def generated(self, logits: Tensor) -> Tensor:
        """-k L(generated)."""
        return -self.k * logits.mean()

    def generator(self, logits: Tensor) -> Tensor:
        """L(generated)."""
        return logits.mean()

    @torch.no_grad()
    def observe(self, real: Sequence[Tensor], generated: Sequence[Tensor], weight: float | Tensor) -> None:
        """Add up the mean errors of the micro-batches."""
        means = [torch.stack([each.float().mean() for each in side]).mean() for side in (real, generated)]
        self._errors.add_(torch.stack(means) * weight)

    @torch.no_grad()
    def after_update(self, discriminator: nn.Module, over_ranks: Callable[[Tensor], Tensor]) -> None:
        """Adapt k, and measure convergence: M = L(real) + |gamma L(real) - L(generated)|."""
        errors = over_ranks(self._errors)
        lack = self.gamma * errors[0] - errors[1]
        self.k.copy_((self.k + _GAIN * lack.nan_to_num(0.0, 0.0, 0.0)).clamp(0.0, 1.0))
        self.convergence.copy_(errors[0] + lack.abs())
        self._errors.zero_()

    def scalars(self) -> dict[str, Tensor]:
        """k, and the measure of convergence, which falls as both networks improve."""
        return {"objective/k": self.k.clone(), "objective/convergence": self.convergence.clone()}
