"""What a training step has to say, and what the reports of parts and of ranks amount to together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from training.updates import can_be_used

_OF_ALL_RANKS = (
    "gradient_norm/",
    "gradient_norm_max/",
    "passed_over/",
)  # the same on each; of everything else, a rank has its part


@dataclass(frozen=True)
class StepReport:
    """What one step has to say, as 0-d tensors that nobody has waited for yet."""

    losses: dict[str, Tensor]  # this rank's part of each
    discriminator_gradient_norm: Tensor
    synthesizer_gradient_norm: Tensor

    def gradient_norms(self) -> dict[str, Tensor]:
        """The norm of the gradients of each network."""
        return {"discriminator": self.discriminator_gradient_norm, "synthesizer": self.synthesizer_gradient_norm}

    def scalars(self) -> dict[str, Tensor]:
        """Every number under the name it has in metrics.jsonl and TensorBoard."""
        return {
            **self.losses,
            **{f"gradient_norm/{name}": norm for name, norm in self.gradient_norms().items()},
            **{f"passed_over/{name}": ~can_be_used(norm) for name, norm in self.gradient_norms().items()},
        }


def totals(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What the losses of the parts of a batch amount to, by name."""
    sums: dict[str, Tensor] = {}
    for part in parts:
        sums |= {name: sums[name] + value if name in sums else value for name, value in part.items()}
    return sums


def over_ranks(of_ranks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What the scalars of all ranks amount to, by name."""
    return {
        name: value if name.startswith(_OF_ALL_RANKS) else sum(of_rank[name] for of_rank in of_ranks)
        for name, value in of_ranks[0].items()
    }
