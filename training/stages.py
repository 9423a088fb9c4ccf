"""Stages of a training: which parts of the synthesizer are trained at a step, and with which learning rates.

Both follow from the settings and the step alone, so that a run resumed in the middle of a stage is the same to the bit.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from configs import InputError, TrainSettings


class Stages:
    """Freezes parts of the synthesizer as `train.freeze` says.

    Gradients pass through a frozen part and leave none in it, so that AdamW passes over its weights, weight decay
    included. Before the first `set`, only what is always frozen is: that is where a step takes most memory.

    Args:
        synthesizer: whose weights are frozen.
        settings: the train section.

    Raises:
        InputError: a part is not there, or nothing is left to train.
    """

    def __init__(self, synthesizer: nn.Module, settings: TrainSettings) -> None:
        self._parts = dict(synthesizer.named_children())
        self._until = {name: _steps(until) for name, until in settings.freeze.items()}
        for key in ("freeze", "learning_rates"):
            if missing := getattr(settings, key).keys() - self._parts.keys() - {"discriminator"}:
                raise InputError(
                    f"train.{key}: a voice of one speaker has no {', '.join(sorted(missing))}: leave it out"
                )
        if not self._parts.keys() - self._until.keys():
            raise InputError("train.freeze: every part of the voice is frozen at step 0: leave one of them out")
        self._freeze(name for name, until in self._until.items() if until is None)

    def set(self, *, step: int) -> None:
        """Freeze what is frozen in the step that follows `step` updates, and nothing else."""
        self._freeze(name for name, until in self._until.items() if until is None or step < until)

    def _freeze(self, names: Iterable[str]) -> None:
        frozen = set(names)
        for name in self._until:
            self._parts[name].requires_grad_(name not in frozen)


def build_optimizer(
    parts: Mapping[str, nn.Module], settings: TrainSettings, flags: dict[str, bool]
) -> torch.optim.AdamW:
    """AdamW, with a group of weights for each part where any of them has a learning rate of its own.

    Args:
        parts: of a network, by their names in `train.learning_rates`.
        settings: the train section.
        flags: of AdamW.
    """
    factors = settings.learning_rates
    weights = {name: list(part.parameters()) for name, part in parts.items()}
    return torch.optim.AdamW(
        [{"params": weights[name], "factor": factors.get(name, 1.0)} for name in parts]
        if factors.keys() & parts.keys()
        else [weight for of_part in weights.values() for weight in of_part],
        lr=settings.learning_rate,
        **_hyperparameters(settings, flags),
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float | torch.Tensor) -> None:
    """Set the learning rate of each group of weights: the rate, times the factor of its part."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"] if "factor" in group else rate


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Its state dict as if all weights were in one group, so that a run may go on with other factors or none."""
    state = optimizer.state_dict()
    groups = state["param_groups"]
    first = {name: value for name, value in groups[0].items() if name != "factor"}
    return state | {"param_groups": [first | {"params": [index for group in groups for index in group["params"]]}]}


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, state: dict[str, Any], settings: TrainSettings, flags: dict[str, bool]
) -> None:
    """Load what `optimizer_state` returned, into the groups and with the settings that there are now.

    Raises:
        ValueError: the state is that of other weights.
    """
    own = optimizer.state_dict()["param_groups"]
    (group,) = state["param_groups"]
    if group["params"] != [index for each in own for index in each["params"]]:
        raise ValueError("the state of an optimizer is that of other weights")
    optimizer.load_state_dict(
        state
        | {
            "param_groups": [
                group | {name: each[name] for name in ("params", "factor") if name in each} for each in own
            ]
        }
    )

    for weight, moments in optimizer.state.items():
        known = (tensor for tensor in moments.values() if isinstance(tensor, torch.Tensor) and tensor.dim())
        if any(tensor.shape != weight.shape for tensor in known):
            raise ValueError("the moments of an optimizer are of other shapes than its weights")
    for each in optimizer.param_groups:
        each.update(_hyperparameters(settings, flags))


def _hyperparameters(settings: TrainSettings, flags: dict[str, bool]) -> dict[str, Any]:
    return {
        "betas": (settings.adam_beta_1, settings.adam_beta_2),
        "eps": settings.adam_epsilon,
        "weight_decay": settings.weight_decay,
        **flags,
    }


def _steps(until: object) -> int | None:
    return until if isinstance(until, int) else None
