"""The steps in which a network learns from a voice's own speech, until the held-out loss is flat."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from configs import InputError
from training.ema import make_ema, update_ema
from training.recover.own_speech import Utterance

BATCH = 16
_LEARNING_RATE = 1e-3
_WARMUP_STEPS = 30
_EMA_DECAY = 0.98
_MAX_GRADIENT_NORM = 10.0
_CHECK_EVERY = 50  # steps
_CHECKED_BATCHES = 4
_FLAT = 0.01  # of the loss, in nats per dimension, that a hundred steps should gain
_REDUCTIONS = 2  # of the learning rate, each to a third, before the loss is taken to be flat
_HELD_OUT = 0.1  # of the utterances

Batch = tuple[Tensor, Tensor, Tensor | None]  # audio [B, 1, S], latents [B, Z, F] and speakers [B]
Progress = Callable[[int, float], None]  # is told the step and the held-out loss


class Learned(NamedTuple):
    """How a network has learned."""

    steps: int
    held_out: tuple[float, ...]  # losses, every `_CHECK_EVERY` steps


def learn(
    network: nn.Module,
    loss: Callable[[nn.Module, Batch], Tensor],
    batch: Callable[[Sequence[Utterance]], Batch],
    utterances: Sequence[Utterance],
    *,
    most_steps: int,
    progress: Progress,
) -> Learned:
    """Train a network, which ends with its EMA weights, until the held-out loss is flat.

    Args:
        network: changed in place.
        loss: of a network and a batch, 0-d, in nats per dimension.
        batch: of crops of utterances.
        utterances: of the voice.
        most_steps: updates at most.
        progress: told every now and then.

    Raises:
        InputError: there are too few utterances.
    """
    held_out = max(1, round(_HELD_OUT * len(utterances)))
    if len(utterances) - held_out < BATCH:
        raise InputError(f"{len(utterances)} utterances of a voice are too few to learn from: give more texts")
    ema = make_ema(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.99))
    checked = [batch(utterances[-held_out:]) for _ in range(_CHECKED_BATCHES)]
    losses: list[float] = []
    reductions = step = 0
    while step < most_steps:
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE / 3**reductions * min(1.0, (step + 1) / _WARMUP_STEPS)
        optimizer.zero_grad(set_to_none=True)
        loss(network, batch(utterances[:-held_out])).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT_NORM)
        optimizer.step()
        step += 1
        update_ema(ema, network, 1 - min(_EMA_DECAY, step / (step + 9)))
        if step % _CHECK_EVERY == 0 or step == most_steps:
            with torch.inference_mode():
                losses.append(sum(float(loss(ema, one)) for one in checked) / len(checked))
            progress(step, losses[-1])
            if len(losses) > 2 and min(losses[:-2]) - losses[-1] < _FLAT:
                reductions += 1
                if reductions > _REDUCTIONS:
                    break
    network.load_state_dict(ema.state_dict())
    return Learned(step, tuple(losses))
