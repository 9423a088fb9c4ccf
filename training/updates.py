"""Updates of the weights, which are skipped where the gradients are not finite, and what a step reports.

One broken batch in a hundred thousand then costs a step and not the run. Nothing waits for the device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_MOST_SKIPPED_IN_A_ROW = 50  # more than fp16 needs to find its loss scale
_SAME_ON_ALL_RANKS = ("gradient_norm/", "gradient_norm_max/", "skipped_updates/", "objective/")


def is_usable(norm: Tensor) -> Tensor:
    """Whether gradients of this norm can be used for an update: AdamW adds up their squares, which must be finite."""
    return norm.square().isfinite()


class Updates:
    """Steps optimizers, and counts for each network how many updates in a row were skipped.

    Args:
        scaler: of the losses; not enabled unless they are in fp16.
        device: where the weights are.
    """

    def __init__(self, scaler: torch.amp.grad_scaler.GradScaler, device: torch.device) -> None:
        self.scaler = scaler
        self.skipped_in_a_row: dict[str, Tensor] = {}
        self._device = device

    def step_if_finite(self, name: str, optimizer: torch.optim.Optimizer, norm: Tensor) -> None:
        """Step an optimizer, whose gradients are unscaled and clipped, unless their norm is not finite.

        Args:
            name: of the network.
            optimizer: a fused one reads on the device whether to step; any other waits for the device.
            norm: of the gradients, 0-d.
        """
        broken = (~is_usable(norm)).to(torch.float32)  # as the fused optimizer reads it
        if name not in self.skipped_in_a_row:
            self.skipped_in_a_row[name] = torch.zeros((), device=self._device)
        self.skipped_in_a_row[name].add_(1).mul_(broken)
        if self.scaler.is_enabled():
            self.scaler.step(optimizer)  # tells the optimizer the same
        elif optimizer.param_groups[0]["fused"]:
            optimizer.found_inf = broken  # type: ignore[attr-defined]
            optimizer.step()
        elif not broken:
            optimizer.step()

    def stalled(self) -> list[str]:
        """The networks that have not been updated for a long time; waits for the device."""
        counts = torch.stack(list(self.skipped_in_a_row.values())).tolist() if self.skipped_in_a_row else []
        names = zip(self.skipped_in_a_row, counts, strict=True)
        return [name for name, count in names if count >= _MOST_SKIPPED_IN_A_ROW]


@dataclass(frozen=True)
class StepReport:
    """The scalars of one step, 0-d tensors that nothing has waited for yet."""

    losses: dict[str, Tensor]  # this rank's part of each
    gradient_norms: dict[str, Tensor]  # of each network that was updated, before clipping

    def scalars(self) -> dict[str, Tensor]:
        """Every scalar under its name in metrics.jsonl and TensorBoard."""
        return {
            **self.losses,
            **{f"gradient_norm/{name}": norm for name, norm in self.gradient_norms.items()},
            **{f"skipped_updates/{name}": ~is_usable(norm) for name, norm in self.gradient_norms.items()},
        }


def sum_of_losses(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The losses of a batch, from those of its micro-batches."""
    sums: dict[str, Tensor] = {}
    for part in parts:
        sums |= {name: sums[name] + value if name in sums else value for name, value in part.items()}
    return sums


def over_ranks(of_ranks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The scalars of a step, from those of all ranks."""
    return {
        name: value if name.startswith(_SAME_ON_ALL_RANKS) else sum(of_rank[name] for of_rank in of_ranks)
        for name, value in of_ranks[0].items()
    }
