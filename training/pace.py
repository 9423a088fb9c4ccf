"""How far a step moves the weights: its learning rate, and how much of them the average takes over.

On a GPU both are numbers on the device: a recorded step reads there what is true today, not when it was recorded.
"""

import torch
from torch import Tensor

from configs import TrainSettings
from training.ema import average_share
from training.schedule import learning_rate


class Pace:
    """The pace of one step.

    Args:
        settings: the train section.
        device: where the weights are.
    """

    learning_rate: float | Tensor
    average_share: float | Tensor

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        self._settings = settings
        self._on_device = device.type == "cuda"
        self.learning_rate, self.average_share = (
            (torch.zeros((), device=device), torch.zeros((), device=device)) if self._on_device else (0.0, 0.0)
        )

    def set(self, *, step: int, epoch: int) -> None:
        """Take the pace of a step, after `step` updates and `epoch` passes over the data."""
        self.learning_rate = _told(self.learning_rate, learning_rate(self._settings, step=step, epoch=epoch))
        self.average_share = _told(self.average_share, average_share(self._settings.ema_decay, step=step))


def _told(kept: float | Tensor, value: float) -> float | Tensor:
    return kept.fill_(value) if isinstance(kept, Tensor) else value
