"""Batches for the training loop: an endless stream of clips, and a thread that prefetches collated batches."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from data.bucket_batch_sampler import BucketBatchSampler
from data.clips import Clip, Shard
from data.shards import ClipsInShards

Item = TypeVar("Item")


class ClipSource(Protocol):
    """The clips of each batch, in an order that depends only on the seed and the epoch."""

    def __len__(self) -> int:
        """Batches per epoch, the same in every epoch and for every rank."""
        ...

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The batches of one epoch, from the batch `start` on."""
        ...


class ClipsInMemory:
    """A `ClipSource` for a training set in memory.

    Args:
        clips: the training set.
        sampler: of its batches.
    """

    def __init__(self, clips: Sequence[Clip], sampler: BucketBatchSampler) -> None:
        self.clips, self.sampler = clips, sampler

    def __len__(self) -> int:
        """Batches per epoch."""
        return len(self.sampler)

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The batches of one epoch, from the batch `start` on."""
        for indices in self.sampler.batches(epoch)[start:]:
            yield [self.clips[index] for index in indices]


def clip_source(
    clips: Sequence[Clip],
    shards: Sequence[Shard] = (),
    *,
    hop_length: int,
    bounds: Sequence[int],
    batch_size: int,
    max_frames: int | None,
    seed: int,
    rank: int = 0,
    ranks: int = 1,
) -> ClipSource:
    """The batches of a training set, in memory or in shards.

    Args:
        clips: the training set, if it is in memory.
        shards: the training set, if it is on disk.
        hop_length: samples per frame.
        bounds: this and the other arguments as in `BucketBatchSampler`.
        batch_size: see there.
        max_frames: see there.
        seed: of the order of the batches, and of the shards.
        rank: see there.
        ranks: see there.
    """

    def sampler(samples: Sequence[int], seed: int) -> BucketBatchSampler:
        frames = [count // hop_length for count in samples]
        return BucketBatchSampler(frames, bounds, batch_size, seed, max_frames=max_frames, rank=rank, ranks=ranks)

    if shards:
        samplers = [sampler(shard.samples, seed + index) for index, shard in enumerate(shards)]
        return ClipsInShards(shards, samplers, seed)
    return ClipsInMemory(clips, sampler([len(clip.audio) for clip in clips], seed))


def endless(source: ClipSource, step: int, *, first_epoch: int = 0) -> Iterator[list[Clip]]:
    """The batches of epoch after epoch, starting `step` batches after the beginning of `first_epoch`."""
    epochs, start = divmod(step, len(source))
    first = first_epoch + epochs
    for epoch in itertools.count(first):
        yield from source.batches(epoch, start if epoch == first else 0)


class Prefetcher:
    """Prefetches items in a background thread, and measures the time spent waiting for them.

    There is one thread, so the order is that of the source.

    Args:
        ahead: number of items to prefetch.
        clock: in seconds.
    """

    def __init__(self, *, ahead: int = 3, clock: Callable[[], float] = time.monotonic) -> None:
        self.ahead, self.clock = ahead, clock
        self.waited_seconds = 0.0

    def through(self, source: Iterator[Item]) -> Generator[Item, None, None]:
        """The items of a source. An exception in it is raised in its turn; closing the generator ends the thread."""
        end = object()
        with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as maker:
            coming: deque[Future[Item | object]] = deque(maker.submit(next, source, end) for _ in range(self.ahead))
            try:
                while True:
                    asked = self.clock()
                    item = coming.popleft().result()
                    self.waited_seconds += self.clock() - asked
                    if item is end:
                        return
                    coming.append(maker.submit(next, source, end))
                    yield item  # type: ignore[misc]  # whatever is not the end is an item
            finally:
                maker.shutdown(cancel_futures=True)
