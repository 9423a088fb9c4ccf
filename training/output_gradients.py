"""The gradient of each term of the generator's loss at the generated audio: how hard each pulls at the same samples.

Values of terms say nothing about that: their units differ.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch

from training.accumulation import micro_batches
from training.random_state import restored

if TYPE_CHECKING:
    from data.batch import Batch
    from training.loop import TrainingLoop


def _eager() -> AbstractContextManager[None]:
    """Run compiled networks as they are: a compiled graph cannot be differentiated several times."""
    return torch.compiler.set_stance("force_eager")


def output_gradient_norms(trainer: "TrainingLoop", batch: "Batch") -> dict[str, float]:
    """The norm of each term's gradient at the generated audio of a batch, without its weight.

    Terms that do not depend on the audio have none. Nothing else comes of it: no gradient is kept, random states and
    buffers are restored. Waits for the device.
    """
    config = trainer.config
    scale = trainer.scaler.get_scale()
    parts = micro_batches(
        batch,
        config.train.accumulate,
        hop_length=config.audio.hop_length,
        segment_frames=config.segment_frames,
        ranks=trainer.ranks,
    )
    squares: dict[str, torch.Tensor] = {}
    with restored(trainer.discriminator), _eager() if "compiled" in config.train.execution else nullcontext():
        for part in parts:
            output = trainer.generator_forward(part.batch)
            if not output.segments.generated.requires_grad:  # posterior encoder, decoder and speakers are frozen
                return {}
            terms, _ = trainer.generator_terms(output, part.normalisation)
            for name, term in terms.items():
                if not term.requires_grad:  # the duration predictor is frozen
                    continue
                (gradient,) = torch.autograd.grad(
                    term * scale, output.segments.generated, retain_graph=True, allow_unused=True
                )
                if gradient is not None:
                    squares[name] = squares.get(name, 0.0) + (gradient.float() / scale).square().sum()
            del output, terms
    norms = trainer.ranks.sum(torch.stack(list(squares.values()))).sqrt().tolist()  # of the clips of all ranks
    return dict(zip(squares, norms, strict=True))
