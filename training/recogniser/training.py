"""Training of a recogniser: examples in, the weights with the fewest errors out.

Connectionist temporal classification, as in Graves et al. (2006), with a one-cycle learning-rate schedule (Smith &
Topin, "Super-Convergence", 2018) and an EMA of the weights. The best EMA is chosen on examples that are set aside.
"""

import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from models.recogniser import RecogniserNetwork
from training.recogniser.error_rate import ErrorCounts, phoneme_error_rate, total
from training.recogniser.examples import FRAMES_PER_SECOND, MEL_BANDS, Example
from training.recogniser.recogniser import BLANK, Recogniser

_BATCH = 6  # few, because CTC first has to learn that not all is blank, which takes updates
_LENGTHS = 64  # a batch has a multiple of so many frames: oneDNN makes a plan for each length
_MOST_EPOCHS = 40  # after them, a few minutes of recordings are memorised
_LEARNING_RATE = 2e-3
_WARM_UP = 0.05  # share of the updates
_WEIGHT_DECAY = 0.01
_MAX_GRADIENT_NORM = 1.0
_EMA_DECAY = 0.99
_VALIDATIONS = 12


def train(
    examples: Sequence[Example],
    aside: Sequence[Example],
    *,
    trained_seconds: float,
    seed: int,
) -> Recogniser:
    """Train a recogniser; the result is deterministic on one machine with the same number of threads.

    Args:
        examples: to train on.
        aside: to choose the best weights by.
        trained_seconds: of speech to train on, in at most 40 epochs.
        seed: of the weights, the order and the augmentation.
    """
    alphabet = tuple(sorted({symbol for example in examples for symbol in example.said}))
    epoch_seconds = sum(len(example.frames) for example in examples) / FRAMES_PER_SECOND
    epochs = min(max(1, round(trained_seconds / epoch_seconds)), _MOST_EPOCHS)
    updates = epochs * -(-len(examples) // _BATCH)
    bar = tqdm(
        total=updates,
        desc="training a recogniser",
        unit="batch",
        delay=2,
        disable=None,
    )
    with bar, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = RecogniserNetwork(bands=MEL_BANDS, classes=len(alphabet) + 1)
        ema = AveragedModel(network, avg_fn=_ema)
        optimizer = AdamW(network.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=_WEIGHT_DECAY)
        schedule = OneCycleLR(optimizer, _LEARNING_RATE, updates, pct_start=_WARM_UP, div_factor=10)
        best, fewest = network, ErrorCounts(length=0)
        for update, batch in enumerate(_batches(examples, epochs, random.Random(seed)), start=1):
            loss = ctc_loss(network, batch, alphabet)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT_NORM)
            optimizer.step()
            schedule.step()
            ema.update_parameters(network)
            bar.update()
            if update % -(-updates // _VALIDATIONS) == 0 or update == updates:
                averaged = cast(RecogniserNetwork, copy.deepcopy(ema.module)).eval().requires_grad_(False)
                errors = _errors(averaged, alphabet, aside)
                if not errors.rate > fewest.rate:  # also before the first, whose rate is NaN
                    best, fewest = averaged, errors
                bar.set_postfix_str(f"{fewest.rate:.1%} wrong")
    return Recogniser(best, alphabet, fewest)


def _ema(mean: Tensor, newest: Tensor, updates: Any) -> Tensor:
    """A running mean at first, so that the first weights are forgotten soon, and then an EMA."""
    return torch.lerp(mean, newest, max(1 - _EMA_DECAY, 10 / (10 + float(updates))))


def ctc_loss(network: RecogniserNetwork, batch: Sequence[Example], alphabet: Sequence[str]) -> Tensor:
    """CTC loss in nats per phoneme; examples with more phonemes than frames count 0."""
    classes = {symbol: place + 1 for place, symbol in enumerate(alphabet)}
    lengths = torch.tensor([len(example.frames) for example in batch])
    longest = -(-int(lengths.max()) // _LENGTHS) * _LENGTHS
    frames = torch.stack([functional.pad(one.frames, (0, 0, 0, longest - len(one.frames))) for one in batch])
    said = torch.tensor([classes[symbol] for example in batch for symbol in example.said])
    scores, lengths = network(frames, lengths)
    counts = torch.tensor([len(example.said) for example in batch])
    loss = functional.ctc_loss(
        scores.transpose(0, 1), said, lengths, counts, blank=BLANK, reduction="sum", zero_infinity=True
    )
    return loss / len(said)


def _batches(examples: Sequence[Example], epochs: int, generator: random.Random) -> Iterator[list[Example]]:
    """Batches of about the same length, in another order and with other augmentation in each epoch."""
    for _ in range(epochs):
        by_length = sorted(examples, key=lambda example: len(example.frames) * generator.uniform(1.0, 1.1))
        batches = [by_length[start : start + _BATCH] for start in range(0, len(by_length), _BATCH)]
        generator.shuffle(batches)
        for batch in batches:
            yield [example.varied(generator) for example in batch]


def _errors(network: RecogniserNetwork, alphabet: tuple[str, ...], aside: Sequence[Example]) -> ErrorCounts:
    recogniser = Recogniser(network, alphabet, ErrorCounts())
    return total(phoneme_error_rate(one.said, recogniser.recognise_frames(one.frames)) for one in aside)
