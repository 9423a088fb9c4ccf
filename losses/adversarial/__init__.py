"""Adversarial objectives, one module per family; `build_objective` chooses by `loss.adversarial_objective`."""

from importlib import import_module
from pkgutil import iter_modules

from configs import LossSettings
from losses.adversarial.least_squares import discriminator_loss, generator_loss
from losses.adversarial.objective import AdversarialObjective

for _module in iter_modules(__path__, f"{__name__}."):  # each makes its objectives known to `AdversarialObjective`
    import_module(_module.name)


def build_objective(settings: LossSettings) -> AdversarialObjective:
    """Make the objective of these settings."""
    return AdversarialObjective.of_name[settings.adversarial_objective](settings)


__all__ = ["AdversarialObjective", "build_objective", "discriminator_loss", "generator_loss"]
