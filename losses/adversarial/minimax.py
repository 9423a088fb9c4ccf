"""The first objectives of generative adversarial networks (Goodfellow et al., 2014), from logits.

log sigmoid(x) = -softplus(-x), which neither overflows nor loses the small probabilities.
"""

from torch import Tensor
from torch.nn import functional as F

from losses.adversarial.objective import AdversarialObjective


class Minimax(AdversarialObjective, name="minimax"):
    """The zero-sum game (equation 1): the generator minimises what the discriminator maximises.

    Where the discriminator is sure, the generator's gradient vanishes (section 3).
    """

    def real(self, logits: Tensor) -> Tensor:
        """Mean of -log sigmoid(D)."""
        return F.softplus(-logits).mean()

    def generated(self, logits: Tensor) -> Tensor:
        """Mean of -log(1 - sigmoid(D))."""
        return F.softplus(logits).mean()

    def generator(self, logits: Tensor) -> Tensor:
        """Mean of log(1 - sigmoid(D)), which is negative."""
        return -F.softplus(logits).mean()


class NonSaturating(Minimax, name="non_saturating"):
    """The generator maximises log sigmoid(D) instead (section 3), and has a gradient where D is sure."""

    def generator(self, logits: Tensor) -> Tensor:
        """Mean of -log sigmoid(D)."""
        return F.softplus(-logits).mean()
