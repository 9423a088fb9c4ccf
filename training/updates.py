"""Updates of the weights that are made where the gradients are numbers, and passed over where they are not.

One broken batch in a hundred thousand then costs a step and not the run. Nothing waits for the device.
"""

import torch
from torch import Tensor

_MOST_IN_A_ROW = 50  # more than fp16 needs to find its scale


def can_be_used(norm: Tensor) -> Tensor:
    """Whether gradients of this norm can be used for an update: AdamW adds up their squares, which must be finite."""
    return norm.square().isfinite()


class Updates:
    """Steps optimizers, and counts for each of them how often in a row it could not.

    Args:
        scaler: of the losses; not enabled unless they are in fp16.
        device: where the weights are.
    """

    def __init__(self, scaler: torch.amp.grad_scaler.GradScaler, device: torch.device) -> None:
        self.scaler = scaler
        self.passed_over: dict[str, Tensor] = {}
        self._device = device

    def make(self, name: str, optimizer: torch.optim.Optimizer, norm: Tensor) -> None:
        """Step an optimizer down gradients that are unscaled and clipped.

        Args:
            name: of the network.
            optimizer: where it is fused, it looks on the device whether it shall step; else this waits for the device.
            norm: of the gradients, 0-d.
        """
        broken = (~can_be_used(norm)).to(torch.float32)  # as the fused optimizer reads it
        if name not in self.passed_over:
            self.passed_over[name] = torch.zeros((), device=self._device)
        self.passed_over[name].add_(1).mul_(broken)
        if self.scaler.is_enabled():
            self.scaler.step(optimizer)  # tells the optimizer the same
        elif optimizer.param_groups[0]["fused"]:
            optimizer.found_inf = broken  # type: ignore[attr-defined]
            optimizer.step()
        elif not broken:
            optimizer.step()

    def hopeless(self) -> list[str]:
        """Networks that have not been updated for a long time; waits for the device."""
        counts = torch.stack(list(self.passed_over.values())).tolist() if self.passed_over else []
        return [name for name, count in zip(self.passed_over, counts, strict=True) if count >= _MOST_IN_A_ROW]
