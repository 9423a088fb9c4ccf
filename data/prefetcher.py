"""What a run is fed with: lists of clips without end, from any step on, and batches made before they are asked for."""

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
    """Where the clips of each batch come from; which they are depends on the seed and the epoch alone."""

    def __len__(self) -> int:
        """Batches per epoch, the same in every epoch and for every rank."""
        ...

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The clips of each batch of one epoch, from the batch `start` on."""
        ...


class ClipsInMemory:
    """A corpus that fits into memory.

    Args:
        clips: the corpus.
        buckets: of the clips, in their order.
    """

    def __init__(self, clips: Sequence[Clip], buckets: BucketBatchSampler) -> None:
        self.clips, self.buckets = clips, buckets

    def __len__(self) -> int:
        """Batches per epoch."""
        return len(self.buckets)

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The clips of each batch of one epoch, from the batch `start` on."""
        for places in self.buckets.batches(epoch)[start:]:
            yield [self.clips[place] for place in places]


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
    """The batches of a corpus, be it in memory or in shards.

    Args:
        clips: the corpus in memory.
        shards: the corpus on disk, in the place of `clips`.
        hop_length: samples per frame.
        bounds: as in `BucketBatchSampler`.
        batch_size: as in `BucketBatchSampler`.
        max_frames: as in `BucketBatchSampler`.
        seed: of the order of the batches, and of the shards.
        rank: as in `BucketBatchSampler`.
        ranks: as in `BucketBatchSampler`.
    """

    def buckets(samples: Sequence[int], seed: int) -> BucketBatchSampler:
        frames = [count // hop_length for count in samples]
        return BucketBatchSampler(frames, bounds, batch_size, seed, max_frames=max_frames, rank=rank, ranks=ranks)

    if shards:
        return ClipsInShards(shards, [buckets(shard.samples, seed + place) for place, shard in enumerate(shards)], seed)
    return ClipsInMemory(clips, buckets([len(clip.audio) for clip in clips], seed))


def endless(source: ClipSource, step: int, *, first_epoch: int = 0) -> Iterator[list[Clip]]:
    """The clips of each batch, epoch after epoch, from so many steps after the beginning of `first_epoch` on."""
    epochs, start = divmod(step, len(source))
    first = first_epoch + epochs
    for epoch in itertools.count(first):
        yield from source.batches(epoch, start if epoch == first else 0)


class Prefetcher:
    """Makes items in a thread, a few ahead of whoever takes them, and counts the seconds that were spent waiting.

    Order and content are those of the source: one thread makes one item after the other.

    Args:
        ahead: items that are made before they are asked for.
        clock: seconds from any start.
    """

    def __init__(self, *, ahead: int = 3, clock: Callable[[], float] = time.monotonic) -> None:
        self.ahead, self.clock = ahead, clock
        self.waited_seconds = 0.0

    def through(self, source: Iterator[Item]) -> Generator[Item, None, None]:
        """The items of a source. An exception in it arrives in its turn; closing this ends the thread."""
        end = object()
        with ThreadPoolExecutor(1, thread_name_prefix="feed") as maker:
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
