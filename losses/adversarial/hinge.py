"""The hinge objective (Lim & Ye, 2017, equations 3 and 4; Miyato et al., 2018, equations 16 and 17)."""

from torch import Tensor
from torch.nn import functional as F

from losses.adversarial.objective import AdversarialObjective


class Hinge(AdversarialObjective, name="hinge"):
    """Logits beyond the margins 1 and -1 have no gradient in the discriminator."""

    def real(self, logits: Tensor) -> Tensor:
        """Mean of max(0, 1 - D)."""
        return F.relu(1 - logits).mean()

    def generated(self, logits: Tensor) -> Tensor:
        """Mean of max(0, 1 + D)."""
        return F.relu(1 + logits).mean()

    def generator(self, logits: Tensor) -> Tensor:
        """Mean of -D."""
        return -logits.mean()
