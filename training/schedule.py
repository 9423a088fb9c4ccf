"""Everything that follows from where training is: the epoch, the learning rate and the weight of the EMA's update.

All are pure functions of step and epoch, so that nothing can be lost or applied twice when a run is resumed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from configs import TrainSettings


@dataclass(frozen=True)
class Epochs:
    """Passes over the data, counted from a step on: a run that goes on with other batches begins an epoch there."""

    length: int  # steps
    first_step: int = 0
    first_epoch: int = 0  # that begins with `first_step`

    def at(self, step: int) -> int:
        """The epoch of the step that follows `step` updates."""
        return self.first_epoch + (step - self.first_step) // self.length

    def end(self, epochs: int) -> int:
        """The number of updates after so many epochs."""
        return self.first_step + (epochs - self.first_epoch) * self.length

    def broken_off(self, step: int, length: int) -> "Epochs":
        """The same count, where the present epoch ends after `step` and all later ones have another length."""
        begun = -(-(step - self.first_step) // self.length)
        return Epochs(length, step, self.first_epoch + begun)


def learning_rate(settings: TrainSettings, *, step: int, epoch: int, clips_per_step: float = 1.0) -> float:
    """Linear warm-up over steps, times exponential decay (VITS, section 3.3).

    Args:
        settings: the train section.
        step: updates made so far; the first update is made at step 0.
        epoch: passes over the data finished so far; a decay factor each, unless steps or clips are given.
        clips_per_step: mean over all ranks together.
    """
    warmup = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    decays: float = epoch
    if settings.learning_rate_decay_steps is not None:
        decays = step / settings.learning_rate_decay_steps
    elif settings.learning_rate_decay_clips is not None:
        decays = step * clips_per_step / settings.learning_rate_decay_clips
    return settings.learning_rate * warmup * settings.learning_rate_decay**decays


def ema_weight(decay: float, *, step: int) -> float:
    """The weight of the newest weights in the EMA's update.

    Args:
        decay: of the EMA per step, once it has settled.
        step: updates made so far; in early training the decay is (1 + step) / (10 + step) where that is less, so
            that the EMA does not remember the random weights that it began with.
    """
    return 1 - min(decay, (1 + step) / (10 + step))


class Schedule:
    """Learning rate and EMA weight of the present step.

    On a GPU both are tensors on the device: a captured CUDA graph reads there what is true when it is replayed.

    Args:
        settings: the train section.
        device: where the weights are.
    """

    learning_rate: float | Tensor
    ema_weight: float | Tensor

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        self._settings = settings
        self.learning_rate, self.ema_weight = (
            torch.zeros((), device=device) if device.type == "cuda" else 0.0 for _ in range(2)
        )

    def set(self, *, step: int, epoch: int, clips_per_step: float = 1.0) -> None:
        """Take the values of the step that follows `step` updates and `epoch` passes over the data."""
        rate = learning_rate(self._settings, step=step, epoch=epoch, clips_per_step=clips_per_step)
        self.learning_rate = _assigned(self.learning_rate, rate)
        self.ema_weight = _assigned(self.ema_weight, ema_weight(self._settings.ema_decay, step=step))


def _assigned(kept: float | Tensor, value: float) -> float | Tensor:
    return kept.fill_(value) if isinstance(kept, Tensor) else value
