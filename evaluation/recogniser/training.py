"""Teaching a recogniser: recordings and what is said in them, in; the weights that heard best, out.

Connectionist temporal classification, as in Graves et al. (2006), under one cycle of the learning rate (Smith & Topin,
"Super-Convergence", 2018). A moving average of the weights is what listens. Which of the averages is kept is decided on
recordings set aside from those that were given to learn from; the corpus's own held-out ones are never seen.

B batch · F frames · M mel bands · N phonemes
"""

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import tqdm

from evaluation.recogniser.augmentation import varied
from evaluation.recogniser.error_rate import ErrorCounts, phoneme_error_rate, total
from evaluation.recogniser.features import FRAMES_PER_SECOND, MEL_BANDS
from evaluation.recogniser.listening import BLANK, Recogniser
from evaluation.recogniser.network import RecogniserNetwork

_BATCH = 6  # recordings: few, because the first thing to learn is that not all is blank, and that takes updates
_LENGTHS = 64  # frames that a batch's length is a multiple of: few lengths are few plans for the processor to make
_MOST_EPOCHS = 40  # a few minutes of recordings are known by heart after that
_LEARNING_RATE = 2e-3
_RISING = 0.05  # share of the updates in which the learning rate rises
_WEIGHT_DECAY = 0.01
_MAX_GRADIENT_NORM = 1.0
_AVERAGING = 0.99
_LOOKS = 12  # times that the average is tried on the recordings set aside


@dataclass(frozen=True, eq=False)
class Example:
    """A recording, and what is said in it."""

    frames: Tensor  # [F, M]
    said: list[str]  # [N]


def train(
    examples: Sequence[Example],
    aside: Sequence[Example],
    *,
    heard_seconds: float,
    seed: int,
    progress: bool | None = None,
) -> Recogniser:
    """Train a recogniser; the same arguments give the same one on the same machine, with as many threads.

    Args:
        examples: to learn from, again and again until enough was heard.
        aside: to choose the best weights by, and to tell how well they hear.
        heard_seconds: of speech that it learns from, repetitions counted, of which there are 40 at most.
        seed: of the weights, the order and the variations.
        progress: whether to show a bar; None shows one on a terminal when the work takes more than two seconds.
    """
    alphabet = tuple(sorted({symbol for example in examples for symbol in example.said}))
    epoch_seconds = sum(len(example.frames) for example in examples) / FRAMES_PER_SECOND
    epochs = min(max(1, round(heard_seconds / epoch_seconds)), _MOST_EPOCHS)
    updates = epochs * -(-len(examples) // _BATCH)
    bar = tqdm(
        total=updates,
        desc="training a recogniser",
        unit="batch",
        delay=2 if progress is None else 0,
        disable=None if progress is None else not progress,
    )
    with bar, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = RecogniserNetwork(bands=MEL_BANDS, classes=len(alphabet) + 1)
        average = copy.deepcopy(network).eval().requires_grad_(False)
        optimizer = AdamW(network.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=_WEIGHT_DECAY)
        schedule = OneCycleLR(optimizer, _LEARNING_RATE, updates, pct_start=_RISING, div_factor=10)
        best: Recogniser | None = None
        for update, batch in enumerate(_batches(examples, epochs, random.Random(seed)), start=1):
            loss = ctc_loss(network, batch, alphabet)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT_NORM)
            optimizer.step()
            schedule.step()
            share = max(1 - _AVERAGING, 10 / (10 + update))  # the first weights are forgotten soon
            for mean, newest in zip(average.parameters(), network.parameters(), strict=True):
                mean.lerp_(newest.detach(), share)
            bar.update()
            if update % -(-updates // _LOOKS) == 0 or update == updates:
                best = _better(best, Recogniser(average, alphabet, _errors(average, alphabet, aside)))
                bar.set_postfix_str(f"{best.calibration.rate:.1%} wrong")
    assert best is not None, "the last update is looked at"
    return best


def ctc_loss(network: RecogniserNetwork, batch: Sequence[Example], alphabet: Sequence[str]) -> Tensor:
    """Negative log-likelihood of what is said, in nats per phoneme; clips with more phonemes than frames count 0."""
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
    """Batches of about the same length, in another order and with other variations in each epoch."""
    for _ in range(epochs):
        by_length = sorted(examples, key=lambda example: len(example.frames) * generator.uniform(1.0, 1.1))
        batches = [by_length[start : start + _BATCH] for start in range(0, len(by_length), _BATCH)]
        generator.shuffle(batches)
        for batch in batches:
            yield [Example(varied(example.frames, generator), example.said) for example in batch]


def _errors(network: RecogniserNetwork, alphabet: tuple[str, ...], aside: Sequence[Example]) -> ErrorCounts:
    listener = Recogniser(network, alphabet, ErrorCounts())
    return total(phoneme_error_rate(example.said, listener.hear_frames(example.frames)) for example in aside)


def _better(best: Recogniser | None, newest: Recogniser) -> Recogniser:
    """The one that hears better, of these; the newest is copied, since its weights go on moving."""
    if best is not None and best.calibration.rate < newest.calibration.rate:
        return best
    return replace(newest, network=copy.deepcopy(newest.network))
