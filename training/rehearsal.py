"""A step on the longest recordings before the first one: who asks for more memory than there is learns it at once.

On a GPU the step is made, all but the updates. On a CPU, where it would take a minute and the kernel might end the
program, steps on one and on two recordings tell what more of them take. Nothing is left of a rehearsal: the run is the
one that it would have been without.

`train.batch_size=auto` is the other way round: the batch follows from the memory.
"""

import contextlib
import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from configs import Config, InputError
from data.batch import Batch
from data.clips import Clip
from data.corpus import Corpus
from data.prefetcher import Prefetcher
from training.accumulation import MicroBatch, micro_batches
from training.memory import let_go, peak_bytes, room
from training.random_state import random_state, restore_random_state
from training.ranks import Ranks

LARGEST_BATCH = 64  # the paper's: a larger one is another training
_GIB = 2**30
_LEFT_FREE = 0.1  # of all memory, by a batch that was not asked for by number
_CLEARLY = 1.25  # an estimate this many times the memory is believed: it is right to a quarter
# glibc's heap keeps holes of up to 32 MB: a process grows by more than what a step holds of it at once.
_HOLES = 1.4
_PROGRAM = 150 * 2**20  # code that is loaded in the first step
# More than how often a step keeps what goes out of a weight for each frame. What is decoded and judged has as many
# samples as this assumes only in the last layer, or the first one.
_TIMES_KEPT = 4


class Rehearsable(Protocol):
    """What a rehearsal needs of a Trainer."""

    config: Config
    corpus: Corpus
    device: torch.device
    ranks: Ranks
    prefetcher: Prefetcher

    @property
    def synthesizer(self) -> nn.Module:
        """The model that will be the voice."""
        ...

    @property
    def discriminator(self) -> nn.Module:
        """Its discriminators."""
        ...

    @property
    def synthesizer_optimizer(self) -> torch.optim.Optimizer:
        """Has a state after the first step."""
        ...

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Put clips side by side on the device."""
        ...

    def speak(self, part: MicroBatch) -> Any:
        """Let the synthesizer say the recordings again."""
        ...

    def teach_discriminator(self, spoken: Any) -> object:
        """Add to the discriminator's gradients."""
        ...

    def teach_synthesizer(self, spoken: Any) -> object:
        """Add to the synthesizer's gradients."""
        ...


@dataclass(frozen=True)
class LongStep:
    """A step that takes as much as any of some kind."""

    clips: int
    clip: Clip  # the longest one, which stands for all
    phonemes: int  # the most there are, with blanks


@dataclass(frozen=True)
class Estimate:
    """What steps on recordings of one length take, in bytes."""

    fixed: float
    each_of_batch: float  # per recording
    each_of_part: float  # per recording of the largest part
    accumulate: int

    def of(self, clips: int) -> float:
        """What a step on so many recordings takes."""
        return self.fixed + clips * self.each_of_batch + -(-clips // self.accumulate) * self.each_of_part


def refuse_too_large(trainer: Rehearsable) -> None:
    """Refuse a run whose longest step finds no room.

    Raises:
        InputError: says what it would take and what would fit.
    """
    if trainer.device.type not in ("cpu", "cuda"):
        return
    train, has = trainer.config.train, room(trainer.device)
    for step in longest_steps(trainer.config, trainer.corpus, train.batch_size):
        if trainer.device.type == "cuda":
            if rehearse(trainer, step, accumulate=train.accumulate) is None:
                raise _refusal(trainer, step, has.free, estimate(trainer, step))
        elif upper_bound(trainer, step) > has.free / 2:
            needs = estimate(trainer, step)
            takes = math.inf if needs is None else needs.of(step.clips)
            if has.free < takes <= has.free * _CLEARLY and trainer.ranks.is_first:
                told = f"{takes / _GIB:.1f} GiB, and {has.free / _GIB:.1f} GiB are free"
                print(
                    f"note: the longest step is expected to take {told}: lower train.batch_size if it ends", flush=True
                )
            if takes > has.free * _CLEARLY:
                raise _refusal(trainer, step, has.free, needs)


def settle_batch_size(config: Config, build: Callable[[Config], Rehearsable]) -> Config:
    """The experiment with a number in the place of train.batch_size = auto, the same for all ranks.

    That is the largest power of two up to `LARGEST_BATCH` with which a tenth of the memory stays free.

    Args:
        config: the experiment; one with a number is returned as it is.
        build: makes a Trainer, which is used for rehearsals alone.

    Raises:
        InputError: not even one recording finds room, or the device does not say how much memory it has.
    """
    if config.train.asked_batch_size != "auto":
        return config
    trainer = build(with_batch_size(config, 1))
    if trainer.device.type not in ("cpu", "cuda"):
        raise InputError(
            f"train.batch_size = auto knows how much memory there is on a CPU or with CUDA, not on {trainer.device}: "
            "give a number"
        )
    has = room(trainer.device)
    size, takes = min(trainer.ranks.gather(_largest_batch(trainer, has.free - _LEFT_FREE * has.total)))
    if not size:
        step = longest_steps(config, trainer.corpus, 1)[0]
        raise _refusal(trainer, step, has.free - _LEFT_FREE * has.total, estimate(trainer, step))
    if trainer.ranks.is_first:
        expected = f"the longest step is expected to take {takes / _GIB:.1f} of {has.free / _GIB:.1f} GiB"
        print(f"train.batch_size = {size}: {expected}", flush=True)
    device = trainer.device
    del trainer  # what it holds is not the next one's
    let_go(device)
    return with_batch_size(config, size)


def with_batch_size(config: Config, size: int) -> Config:
    """The same experiment with so many recordings per step."""
    return config.model_copy(update={"train": config.train.model_copy(update={"asked_batch_size": size})})


def longest_steps(config: Config, corpus: Corpus, batch_size: int) -> list[LongStep]:
    """The step with the longest recordings; and where `train.batch_frames` bounds those, that with most recordings."""
    hop, max_frames, bounds = config.audio.hop_length, config.train.batch_frames, config.data.bucket_frames
    longest: dict[int, Clip] = {}  # by bucket
    for clip in _stand_ins(corpus, hop):
        bucket = bisect_left(bounds, len(clip.audio) // hop)
        longest[bucket] = max(longest.get(bucket, clip), clip, key=lambda clip: len(clip.audio))
    count = len(corpus.train) or sum(len(shard.samples) for shard in corpus.shards)
    most_phonemes = max(len(clip.phoneme_ids) for clip in corpus.train or longest.values())
    steps = []
    for clip in longest.values():
        frames = len(clip.audio) // hop
        clips = min(batch_size, count, batch_size if max_frames is None else max(1, max_frames // frames))
        steps.append(LongStep(clips, clip, min(frames, most_phonemes)))
    by_length = max(steps, key=lambda step: len(step.clip.audio))
    by_clips = max(steps, key=lambda step: (step.clips, len(step.clip.audio)))
    return [by_length] if by_clips is by_length else [by_length, by_clips]


def rehearse(trainer: Rehearsable, step: LongStep, *, accumulate: int) -> int | None:
    """Make a step, all but its updates; return the most bytes it took, or None where there is no room for it."""
    peak = None
    with contextlib.suppress(torch.OutOfMemoryError), _without_trace(trainer):
        peak = peak_bytes(trainer.device, lambda: _play(trainer, step, accumulate))
    let_go(trainer.device)  # not before: the error holds all that was made so far
    return peak


def estimate(trainer: Rehearsable, step: LongStep) -> Estimate | None:
    """What steps on such recordings take, after what one and two of them do; None where there is no room for two."""
    accumulate = trainer.config.train.accumulate
    peaks = []
    for clips, parts in ((1, 1), (2, 1), (2, 2))[: 3 if accumulate > 1 else 2]:
        peak = rehearse(trainer, replace(step, clips=clips), accumulate=parts)
        if peak is None:
            return None
        peaks.append(peak)
    each = peaks[1] - peaks[0]
    each_of_part = peaks[1] - peaks[-1] if accumulate > 1 else each
    fixed = peaks[0] - each
    if trainer.device.type == "cuda":
        return Estimate(fixed, each - each_of_part, each_of_part, accumulate)
    stays = _lasting_bytes(trainer)
    program = stays + _PROGRAM + (fixed - stays) * _HOLES
    return Estimate(program, (each - each_of_part) * _HOLES, each_of_part * _HOLES, accumulate)


def upper_bound(trainer: Rehearsable, step: LongStep) -> int:
    """More bytes than a step takes, at first sight: each weight has outputs for every sample, frame or phoneme."""
    config, frames = trainer.config, len(step.clip.audio) // trainer.config.audio.hop_length
    decoded = config.train.segment_samples * config.train.segments
    kept = config.model.text_layers * config.model.attention_heads * step.phonemes**2 * _TIMES_KEPT
    for name, parameter in trainer.synthesizer.named_parameters():
        if parameter.dim() > 1:
            kept += max(parameter.shape[:2]) * (decoded if name.startswith("decoder.") else frames * _TIMES_KEPT)
    for parameter in trainer.discriminator.parameters():
        if parameter.dim() > 1:
            kept += parameter.shape[0] * decoded
    return _lasting_bytes(trainer) + 2 * _weight_bytes(trainer) + _PROGRAM + step.clips * kept * 4


def _largest_batch(trainer: Rehearsable, free: float) -> tuple[int, float]:
    """The largest batch that so many bytes are enough for, and those it takes; 0 if there is none."""
    corpus, estimates = trainer.corpus, dict[int, Estimate | None]()  # by samples
    # Beside what recordings keep, a step of a new shape needs as much again.
    steps = 2 if "graphs" in trainer.config.train.execution and trainer.device.type == "cuda" else 1
    count = (len(corpus.train) or sum(len(shard.samples) for shard in corpus.shards)) // trainer.ranks.count
    size = min(LARGEST_BATCH, 1 << max(count, 1).bit_length() - 1)
    while size:
        takes = 0.0
        for step in longest_steps(trainer.config, corpus, size):
            samples = len(step.clip.audio)
            if samples not in estimates:
                estimates[samples] = estimate(trainer, step)
            needs = estimates[samples]
            bytes_ = math.inf if needs is None else needs.of(step.clips) * steps
            if trainer.device.type == "cuda" and bytes_ <= free:
                bytes_ = (rehearse(trainer, step, accumulate=trainer.config.train.accumulate) or math.inf) * steps
            takes = max(takes, bytes_)
        if takes <= free:
            return size, takes
        size //= 2
    return 0, 0.0


def _play(trainer: Rehearsable, step: LongStep, accumulate: int) -> None:
    """What `Trainer.train_step` does, in its order, in the midst of a run."""
    batch, *_coming = (_batch(trainer, step) for _ in range(1 + trainer.prefetcher.ahead))
    _moments = [
        torch.empty_like(parameter)
        for parameter in _parameters(trainer)
        for _ in range(0 if trainer.synthesizer_optimizer.state else 2)
    ]
    for parameter in trainer.synthesizer.parameters():
        parameter.grad = torch.zeros_like(parameter)  # of the step before
    hop, segment_frames = trainer.config.audio.hop_length, trainer.config.segment_frames
    # As if alone: other ranks need not come here as often as this one.
    parts = micro_batches(batch, accumulate, hop_length=hop, segment_frames=segment_frames, ranks=Ranks())
    with torch.set_grad_enabled(len(parts) == 1):
        spoken: Iterable[Any] = [trainer.speak(part) for part in parts]
    for each in spoken:
        trainer.teach_discriminator(each)
    if len(parts) > 1:
        spoken = map(trainer.speak, parts)
    trainer.synthesizer.zero_grad(set_to_none=True)
    for each in spoken:
        trainer.teach_synthesizer(each)


def _batch(trainer: Rehearsable, step: LongStep) -> Batch:
    batch = trainer.batch([step.clip] * step.clips)
    lengths = torch.full_like(batch.phoneme_lengths, step.phonemes)
    return replace(batch, phoneme_ids=batch.phoneme_ids.new_zeros(step.clips, step.phonemes), phoneme_lengths=lengths)


@contextmanager
def _without_trace(trainer: Rehearsable) -> Iterator[None]:
    state = random_state()
    buffers = [(buffer, buffer.clone()) for buffer in trainer.discriminator.buffers()]  # spectral norm's, which move
    try:
        yield
    finally:
        for buffer, before in buffers:
            buffer.copy_(before)
        trainer.synthesizer.zero_grad(set_to_none=True)
        trainer.discriminator.zero_grad(set_to_none=True)
        restore_random_state(state)


def _stand_ins(corpus: Corpus, hop_length: int) -> Iterator[Clip]:
    """The recordings; or silent ones that are as long, where they are on disk."""
    yield from corpus.train
    # Their texts are on disk too: those for validation tell how fast is spoken.
    fastest = max(len(clip.phoneme_ids) / len(clip.audio) for clip in corpus.validation)
    for shard in corpus.shards:
        for samples in shard.samples:
            ids = np.zeros(min(samples // hop_length, math.ceil(fastest * samples)), dtype=np.int64)
            yield Clip(shard.path.name, "", ids, np.zeros(samples, dtype=np.int16), 0)


def _lasting_bytes(trainer: Rehearsable) -> int:
    """Gradients, and moments where there are none yet: they stay from the first step to the last."""
    return (1 if trainer.synthesizer_optimizer.state else 3) * _weight_bytes(trainer)


def _weight_bytes(trainer: Rehearsable) -> int:
    return sum(parameter.nbytes for parameter in _parameters(trainer))


def _parameters(trainer: Rehearsable) -> Iterator[nn.Parameter]:
    return itertools.chain(trainer.synthesizer.parameters(), trainer.discriminator.parameters())


def _refusal(trainer: Rehearsable, step: LongStep, free: float, needs: Estimate | None) -> InputError:
    train, seconds = trainer.config.train, len(step.clip.audio) / trainer.config.audio.sample_rate
    recordings = f"{step.clips} recording{'s' * (step.clips > 1)} as long as {step.clip.id!r} ({seconds:.1f} s)"
    takes = f"about {needs.of(step.clips) / _GIB:.1f} GiB" if needs else "more"
    fitting = next((n for n in range(step.clips - 1, 0, -1) if needs.of(n) <= free), 0) if needs else 0
    frames = "" if train.batch_frames is None else " or train.batch_frames"
    return InputError(
        f"{trainer.device} has no room for train.batch_size = {train.asked_batch_size}: a step on {recordings} takes "
        f"{takes}, and there is room for {free / _GIB:.1f} GiB, {'perhaps ' * bool(fitting)}{fitting or 'none'} of "
        f"them: lower train.batch_size{frames}, raise train.accumulate, or lower data.longest_seconds or "
        "train.segment_samples"
    )
