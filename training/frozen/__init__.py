"""Networks that losses look through: trained before the first step or given by the user, and then never changed."""

from training.frozen.network import FrozenNetwork
from training.frozen.networks import FrozenNetworks

__all__ = ["FrozenNetwork", "FrozenNetworks"]
