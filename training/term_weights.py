"""The weights of the generator's loss terms at the present step: those of [loss], by their schedule and balance."""

import math

import torch
from torch import Tensor

from configs import LossSettings

_ADVERSARY = ("adversarial", "feature_matching")
_KEPT = 0.9  # of a gradient norm's moving average at each measurement


def scheduled_weight(settings: LossSettings, name: str, step: int) -> float:
    """The weight of a term after `step` updates: it rises linearly over the steps of `loss.schedule`."""
    first, last = settings.schedule.get(name, (-1, 0))
    return settings.weights[name] * min(1.0, max(0.0, (step - first) / (last - first)))


def discriminator_used(settings: LossSettings, step: int) -> bool:
    """Whether a term that needs the discriminator has a weight soon after `step` updates."""
    return any(settings.weights[name] and step >= settings.schedule.get(name, (0, 0))[0] for name in _ADVERSARY)


class TermWeights:
    """What each term is multiplied by.

    With `loss.balance = "gradient"`, the terms that depend on the generated audio have gradients there whose norms are
    in the proportions of their weights, and add up to what the weights alone would give (EnCodec: Défossez et al.,
    2023, section 3.4). Terms that do not, such as KL, keep their weights.

    Args:
        settings: the section `loss`.
        device: where the weights are. On a GPU they are tensors, which a captured CUDA graph reads when it is replayed.
    """

    def __init__(self, settings: LossSettings, device: torch.device) -> None:
        self.settings = settings
        self.present: dict[str, float | Tensor] = dict(settings.weights)
        self.norms: dict[str, float] = {}  # of the gradient at the generated audio, moving averages
        self.use_discriminator = True  # before the first `set`, for that is where a step takes most memory
        self._tensors: dict[str, Tensor] = {}
        if device.type == "cuda":
            weights = torch.tensor(list(settings.weights.values()), device=device).unbind()
            used = zip(settings.weights.items(), weights, strict=True)
            self._tensors = {name: tensor for (name, weight), tensor in used if weight != 0.0}
        self.present |= self._tensors

    def set(self, step: int) -> None:
        """Take the values of the step that follows `step` updates.

        Where neither `adversarial` nor `feature_matching` has a weight, the discriminator is neither run nor trained.
        """
        self.use_discriminator = discriminator_used(self.settings, step)
        for name, value in self._at(step).items():
            if name in self._tensors:
                self._tensors[name].fill_(value)
            absent = name in _ADVERSARY and not self.use_discriminator
            self.present[name] = value if absent else self._tensors.get(name, value)

    def observe(self, norms: dict[str, float]) -> None:
        """Take measured norms of the terms' gradients at the generated audio into their averages."""
        for name, norm in norms.items():
            if 0.0 < norm < math.inf:
                kept = self.norms.get(name, norm)
                self.norms[name] = kept + (1 - _KEPT) * (norm - kept)

    def _at(self, step: int) -> dict[str, float]:
        weights = {name: scheduled_weight(self.settings, name, step) for name in self.settings.weights}
        if self.settings.balance == "fixed":
            return weights
        shared = {name: norm for name, norm in self.norms.items() if weights.get(name)}
        whole = sum(weights[name] for name in shared)
        total = sum(weights[name] * norm for name, norm in shared.items())
        return weights | {name: weights[name] / whole * total / norm for name, norm in shared.items()}
