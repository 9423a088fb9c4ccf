"""Least squares (Mao et al., 2017, equation 9), as in HiFi-GAN and in VITS, equations 8 and 9."""

from collections.abc import Sequence

from torch import Tensor

from configs import LossSettings
from losses.adversarial.objective import AdversarialObjective


class LeastSquares(AdversarialObjective, name="least_squares"):
    """Logits have the targets 1 for real and 0 for generated audio; the generator's target is 1."""

    decision_boundary = 0.5

    def real(self, logits: Tensor) -> Tensor:
        """Mean of (1 - D)^2."""
        return (1 - logits).square().mean()

    def generated(self, logits: Tensor) -> Tensor:
        """Mean of D^2."""
        return logits.square().mean()

    def generator(self, logits: Tensor) -> Tensor:
        """Mean of (1 - D)^2."""
        return (1 - logits).square().mean()


_OBJECTIVE = LeastSquares(LossSettings())


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
    return _OBJECTIVE.discriminator_loss(disc_real_outputs, disc_generated_outputs)


def generator_loss(disc_outputs: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Least-squares loss with target 1 for generated audio (equation 9).

    Args:
        disc_outputs: N tensors of any shape, logits of generated audio.

    Returns:
        The sum over sub-discriminators, 0-d; and the term of each, detached 0-d tensors.
    """
    return _OBJECTIVE.generator_loss(disc_outputs)
