"""The interface of all adversarial objectives: what the discriminator and the generator minimise, from logits.

N sub-discriminators, over which lists run · B batch · S samples
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from configs import LossSettings
from losses.adversarial.gradient_penalty import gradient_penalty, input_gradient_norms, zero_centred_penalty


class AdversarialObjective(nn.Module, ABC):
    """A game of the discriminator with the generator.

    Each objective is a class in a module of this package that says its name: `class Mine(AdversarialObjective,
    name="mine")`. Losses are computed in float32 whatever comes in.

    Args:
        settings: the section `loss`.
    """

    of_name: ClassVar[dict[str, type["AdversarialObjective"]]] = {}
    decision_boundary: ClassVar[float | None] = 0.0  # logits above it say real; None where logits say no such thing

    def __init_subclass__(cls, name: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if name:
            cls.of_name[name] = cls

    def __init__(self, settings: LossSettings) -> None:
        super().__init__()
        self.penalty_weight, self.r1_weight = settings.gradient_penalty, settings.r1

    @abstractmethod
    def real(self, logits: Tensor) -> Tensor:
        """The discriminator's loss on real audio, 0-d, from one sub-discriminator's logits in float32."""

    @abstractmethod
    def generated(self, logits: Tensor) -> Tensor:
        """The discriminator's loss on generated audio, with the arguments of `real`."""

    @abstractmethod
    def generator(self, logits: Tensor) -> Tensor:
        """The generator's loss, from the logits of generated audio, with the arguments of `real`."""

    def discriminator_loss(
        self, real: Sequence[Tensor], generated: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The loss of the discriminator.

        Args:
            real: N tensors of any shape, logits of real audio.
            generated: N tensors, logits of generated audio.

        Returns:
            The sum over sub-discriminators, 0-d; and the real and the generated term of each, detached 0-d tensors.

        Raises:
            ValueError: the lists have different lengths.
        """
        if len(real) != len(generated):
            raise ValueError(
                f"{len(real)} outputs for real audio and {len(generated)} for generated audio: give one of each for "
                "every sub-discriminator"
            )
        r_losses = [self.real(logits.float()) for logits in real]
        g_losses = [self.generated(logits.float()) for logits in generated]
        loss = torch.stack([*r_losses, *g_losses]).sum()
        return loss, [term.detach() for term in r_losses], [term.detach() for term in g_losses]

    def generator_loss(self, generated: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The adversarial loss of the generator: its sum, 0-d, and the term of each sub-discriminator, detached."""
        gen_losses = [self.generator(logits.float()) for logits in generated]
        return torch.stack(gen_losses).sum(), [term.detach() for term in gen_losses]

    # ------------------------------------------------------------------------------------------------- penalties

    @property
    def differentiates_twice(self) -> bool:
        """Whether the discriminator's loss has gradients in it."""
        return self.r1_weight > 0.0 or type(self).penalised is not AdversarialObjective.penalised

    def penalised(self, real: Tensor, generated: Tensor) -> Tensor | None:
        """Where the norm of the discriminator's gradient is to be 1: audio [B, 1, S]; None where it is free."""
        return None

    def penalties(
        self, logits_of: Callable[[Tensor], Sequence[Tensor]], real: Tensor, generated: Tensor
    ) -> dict[str, list[Tensor]]:
        """Gradient penalties of each sub-discriminator, weighted, by their names; in float32 under any autocast.

        Args:
            logits_of: maps audio [B, 1, S] to N tensors [B, positions].
            real: audio [B, 1, S].
            generated: audio [B, 1, S].
        """
        found = {}
        if (audio := self.penalised(real.detach().float(), generated.detach().float())) is not None:
            norms = input_gradient_norms(logits_of, audio)
            found["gradient_penalty"] = [self.penalty_weight * gradient_penalty(each) for each in norms]
        if self.r1_weight > 0.0:
            norms = input_gradient_norms(logits_of, real.float())
            found["r1"] = [self.r1_weight * zero_centred_penalty(each) for each in norms]
        return found

    # ---------------------------------------------------------------------------------------------------- updates

    def observe(self, real: Sequence[Tensor], generated: Sequence[Tensor], weight: float | Tensor) -> None:
        """See the logits of a micro-batch, which weighs so much in its batch, before the update."""
        return

    def after_update(self, discriminator: nn.Module, over_ranks: Callable[[Tensor], Tensor]) -> None:
        """Project the discriminator's weights, or adapt, after its update; `over_ranks` sums in place."""
        return

    def scalars(self) -> dict[str, Tensor]:
        """What is worth a curve beside the losses, by `objective/`its name: 0-d, the same on every rank."""
        return {}
