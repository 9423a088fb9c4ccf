"""Gradient accumulation, over micro-batches and over ranks, with exact loss normalisation.

Each loss term is a mean over something else (clips, phonemes, frames), of which the micro-batches have unequal counts.
A micro-batch's term, weighted by its share of the count, adds up to the term of the whole batch.

B batch
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from data.batch import Batch
from training.random_state import noise_state, restore_noise
from training.ranks import Ranks
from training.updates import StepReport, sum_of_losses


@dataclass(frozen=True)
class LossNormalisation:
    """The weight of a micro-batch in each mean: 0-d tensors that add up to 1 over all micro-batches and ranks."""

    clips: float | Tensor = 1.0
    phonemes: float | Tensor = 1.0
    frames: float | Tensor = 1.0
    segment_frames: float | Tensor = 1.0  # of the decoded segments, of which every clip has as many


WHOLE_BATCH = LossNormalisation()


@dataclass(frozen=True)
class MicroBatch:
    """Some clips of a batch."""

    batch: Batch
    normalisation: LossNormalisation


class StepParts(ABC):
    """The parts of `Trainer.train_step`, which gradient accumulation calls in another order."""

    device: torch.device
    synthesizer_optimizer: torch.optim.AdamW
    discriminator_optimizer: torch.optim.AdamW

    @property
    @abstractmethod
    def discriminator_updates(self) -> int:
        """Updates of the discriminator in this step."""

    @abstractmethod
    def generator_forward(self, batch: Batch) -> Any:
        """Reconstruct a segment of each recording."""

    @abstractmethod
    def discriminator_step(self, output: Any, weight: LossNormalisation = WHOLE_BATCH) -> dict[str, Tensor]:
        """Add to the discriminator's gradients; return its losses."""

    @abstractmethod
    def generator_step(self, output: Any, weight: LossNormalisation = WHOLE_BATCH) -> dict[str, Tensor]:
        """Add to the generator's gradients; return its losses."""

    @abstractmethod
    def generator_terms(self, output: Any, weight: LossNormalisation) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Each term of the generator's loss by its name, and the adversarial term of each sub-discriminator."""

    @abstractmethod
    def update_discriminator(self) -> Tensor:
        """Update the discriminator; return the norm of its gradients."""

    @abstractmethod
    def update_generator(self) -> Tensor:
        """Update the generator and its EMA; return the norm of its gradients."""


class GradientAccumulation:
    """`Trainer.train_step` over the micro-batches of a batch, and over several ranks.

    The discriminator is updated before any gradient of the generator is computed. To keep the memory of one micro-batch
    only, each is reconstructed twice, with the same noise: without gradients for the discriminator's update, and with
    them for the generator's.

    Args:
        trainer: whose steps these are.
        count: micro-batches of a batch.
        hop_length: samples per frame.
        segment_frames: frames of a decoded segment, where the clip has as many.
        ranks: the processes that share a step.
    """

    def __init__(
        self,
        trainer: StepParts,
        count: int,
        *,
        hop_length: int,
        segment_frames: int,
        ranks: Ranks,
    ) -> None:
        self._trainer, self._count, self._ranks = trainer, count, ranks
        self._lengths = {"hop_length": hop_length, "segment_frames": segment_frames}

    def __call__(self, batch: Batch) -> StepReport:
        """Update both networks once, on all micro-batches of a batch."""
        trainer = self._trainer
        parts = micro_batches(batch, self._count, **self._lengths, ranks=self._ranks)
        recompute = len(parts) > 1
        noises: list[list[Tensor]] = []
        losses: list[dict[str, Tensor]] = []
        norms: dict[str, Tensor] = {}
        for _ in range(trainer.discriminator_updates):
            noises, losses = [], []
            trainer.discriminator_optimizer.zero_grad(set_to_none=True)
            for part in parts:
                if recompute:
                    noises.append(noise_state(trainer.device))
                with torch.set_grad_enabled(not recompute):
                    output = trainer.generator_forward(part.batch)
                losses.append(trainer.discriminator_step(output, part.normalisation))
            norms = {"discriminator": trainer.update_discriminator()}

        trainer.synthesizer_optimizer.zero_grad(set_to_none=True)
        for place, part in enumerate(parts):
            if noises:
                restore_noise(noises[place], trainer.device)
            if recompute or not norms:
                output = trainer.generator_forward(part.batch)
            losses.append(trainer.generator_step(output, part.normalisation))
        norms |= {"generator": trainer.update_generator()}
        return StepReport(sum_of_losses(losses), norms)


def micro_batches(batch: Batch, count: int, *, hop_length: int, segment_frames: int, ranks: Ranks) -> list[MicroBatch]:
    """Split a batch into `count` micro-batches of equal size, or nearly so; into fewer if it has fewer clips.

    Args:
        batch: of this rank.
        count: of the micro-batches.
        hop_length: samples per frame.
        segment_frames: frames of a decoded segment, where the clip has as many.
        ranks: the processes that share a step.
    """
    frames = torch.div(batch.audio_lengths, hop_length, rounding_mode="floor")
    counts = torch.stack((torch.ones_like(frames), batch.phoneme_lengths, frames, frames.clamp(max=segment_frames)))
    whole = ranks.sum(counts.sum(dim=1).float())  # [4]
    size = -(-len(batch.ids) // min(count, len(batch.ids)))
    return [
        MicroBatch(
            _rows(batch, slice(start, start + size)),
            LossNormalisation(*(counts[:, start : start + size].sum(dim=1) / whole).float()),
        )
        for start in range(0, len(batch.ids), size)
    ]


def _rows(batch: Batch, rows: slice) -> Batch:
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(batch, **{name: value[rows] for name, value in values.items() if value is not None})
