"""A step whose gradients were not finite, made again in float32 to find the operation where it began."""

from collections.abc import Generator
from contextlib import closing
from typing import Protocol

import torch
from torch import nn
from tqdm import tqdm

from configs import Config, InputError
from data.batch import Batch
from training.broken_steps import BrokenStep
from training.first_not_finite import NotFiniteError, refusing_not_finite
from training.random_state import restore_noise
from training.step_report import StepReport


class Replayable(Protocol):
    """What a replay needs of a Trainer."""

    config: Config
    device: torch.device
    step: int

    @property
    def synthesizer(self) -> nn.Module:
        """The model that will be the voice."""
        ...

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator."""
        ...

    def batches(self) -> Generator[Batch, None, None]:
        """The batches from the present step on."""
        ...

    def teach(self, batch: Batch) -> StepReport:
        """Make a training step."""
        ...

    def compute_in_float32(self) -> None:
        """Make every further step in float32, operation by operation."""
        ...


def replay(trainer: Replayable, record: BrokenStep, *, exactly: bool) -> str:
    """Make a recorded step again; return in a sentence where it stopped to be finite.

    Args:
        trainer: at a step before it, or, where no such step is left, behind it.
        record: of the step.
        exactly: whether the trainer goes on to the step first, so that the weights are those of the step.

    Raises:
        InputError: the batch of the step is another one now.
    """
    if not exactly:
        trainer.step = record.step - 1  # the place in the data, with the weights that there are
    with closing(trainer.batches()) as batches:
        missing = record.step - 1 - trainer.step
        for batch in tqdm(batches, total=missing, unit="step", disable=None if missing else True, leave=False):
            if trainer.step == record.step - 1:
                break
            trainer.teach(batch)
            trainer.step += 1
    if batch.ids != record.ids:
        raise InputError(
            f"step {record.step} was made on {', '.join(record.ids)}, and would now be made on {', '.join(batch.ids)}: "
            "put the recordings and settings of the run back"
        )
    trainer.compute_in_float32()
    try:
        restore_noise(list(record.noise), trainer.device)
    except (LookupError, RuntimeError, TypeError) as error:
        raise InputError(f"the random state of step {record.step} is none of {trainer.device}: {error}") from error
    try:
        with refusing_not_finite({"synthesizer": trainer.synthesizer, "discriminator": trainer.discriminator}):
            report = trainer.teach(batch)
    except NotFiniteError as error:
        return str(error)
    norms = {
        "discriminator": float(report.discriminator_gradient_norm),
        "synthesizer": float(report.synthesizer_gradient_norm),
    }
    told = ", ".join(f"{norm:.3g} ({name})" for name, norm in norms.items())
    precision = trainer.config.train.precision
    return f"every result is finite in float32, and the norms of the gradients are {told}" + (
        "" if precision == "fp32" else f": train.precision = {precision} made the difference"
    )
