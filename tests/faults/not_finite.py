"""A NaN or an infinity comes into a recording, a loss or a gradient."""

import io
import math
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn

import train
from data.batch import Batch
from models.finite_weights import first_not_finite, tensors_in
from tests.benchmarks.synthetic import synthetic_corpus
from tests.faults.fault import Outcome, fault
from tests.voices.random_voice import small_config
from train import Trainer
from training.broken_steps import newest_record, read_record

_LOSSES = ("mel_loss", "kl_loss", "duration_loss", "discriminator_loss", "generator_loss", "feature_loss")
_OF_THE_OBJECTIVE = ("discriminator_loss", "generator_loss")
_PLACES = ("recording", "loss", "gradient")


@fault(
    "NaN or Inf in a recording, a loss or a gradient",
    goal="the update is skipped and recorded, the next one is made, no weight is broken",
    times=300,
    times_in_ci=9,
    slow=True,
)
def not_finite(times: int, folder: Path) -> Outcome:
    """Break one step after another of a run, with a whole one after each."""
    chance = random.Random(1)
    config = small_config(
        train={"segment_samples": 64, "batch_size": 2},
        run={"dir": str(folder), "device": "cpu"},
        model={"text_layers": 1, "posterior_layers": 1, "coupling_wavenet_layers": 1, "duration_flows": 1},
        decoder={"residual_kernel_sizes": [3], "residual_dilations": [[1]], "residual_block": 2},
        discriminator={"channel_divisor": 16, "periods": [2]},
    )
    trainer = Trainer(config, synthetic_corpus(config, batches=4, mean_frames=60))
    failures: list[str] = []
    skipped = 0
    with closing(trainer.batches()) as batches, redirect_stderr(io.StringIO()):
        for place in range(times):
            value, kind = chance.choice([math.nan, math.inf, -math.inf]), _PLACES[place % len(_PLACES)]
            batch, told = next(batches), f"{value} in a {kind}, injection {place + 1}"
            with _broken(trainer, batch, kind, value, chance):
                broken = _step(trainer, batch, failures, told)
            skipped += broken
            if broken:
                recorded = newest_record(folder)
                if recorded != trainer.step or read_record(folder, recorded).broken.ids != batch.ids:
                    failures.append(f"{told}: step {trainer.step} is not recorded")
            elif kind != "recording":  # of which a step looks at a piece
                failures.append(f"{told}: no update was skipped")
            if _step(trainer, next(batches), failures, told):
                failures.append(f"{told}: the step after it was skipped")
    return Outcome(f"{skipped} of {times} steps skipped and recorded, {len(failures)} failures", failures)


def _step(trainer: Trainer, batch: Batch, failures: list[str], told: str) -> bool:
    """Make a step, look at the weights, and return whether a network was not updated."""
    networks: dict[str, nn.Module] = {"generator": trainer.synthesizer, "discriminator": trainer.discriminator}
    before = {name: [parameter.detach().clone() for parameter in each.parameters()] for name, each in networks.items()}
    norms = trainer.run_step(batch).gradient_norms
    trainer.step += 1
    trainer.report_broken_steps()
    for name, network in networks.items():
        moved = not all(map(torch.equal, before[name], network.parameters()))
        if moved != math.isfinite(float(norms[name])):
            failures.append(
                f"{told}: the {name} was {'' if moved else 'not '}updated, its norm was {float(norms[name])}"
            )
    broken = first_not_finite(tensors_in({"weights": trainer.synthesizer.state_dict(), "state": trainer.state_dict()}))
    if broken is not None and not broken.startswith("state.ranks"):
        failures.append(f"{told}: {broken} is broken")
    return not all(math.isfinite(float(norm)) for norm in norms.values())


@contextmanager
def _broken(trainer: Trainer, batch: Batch, kind: str, value: float, chance: random.Random) -> Iterator[None]:
    if kind == "recording":
        batch.audio[0, 0, chance.randrange(int(batch.audio_lengths[0]))] = value
        yield
    elif kind == "loss":
        name = chance.choice(_LOSSES)
        owner = trainer.objective if name in _OF_THE_OBJECTIVE else train
        with patch.object(owner, name, _spoiled(getattr(owner, name), value)):
            yield
    else:
        network = chance.choice([trainer.synthesizer, trainer.discriminator])
        parameter = chance.choice(list(network.parameters()))
        place = chance.randrange(parameter.numel())

        def spoil(gradient: Tensor) -> Tensor:
            spoiled = gradient.clone()
            spoiled.view(-1)[place] = value
            return spoiled

        hook = parameter.register_hook(spoil)
        try:
            yield
        finally:
            hook.remove()


def _spoiled(loss: Callable[..., Tensor | tuple[Tensor, ...]], value: float) -> Callable[..., object]:
    """The same loss, times a number that is none."""

    def spoiled(*arguments: object, **options: object) -> object:
        result = loss(*arguments, **options)
        return (result[0] * value, *result[1:]) if isinstance(result, tuple) else result * value

    return spoiled
