"""Which clips share a batch: clips of about the same length, every clip once per epoch, in a repeatable order."""

from collections.abc import Sequence

import numpy as np


class LengthBuckets:
    """Batches of clips of about the same length.

    A clip is in the first bucket whose bound is not below its length, and in the last one if it is longer than all.
    What does not fill a batch moves up to the next bucket, so no clip is dropped and none is seen twice; only the
    very last batch of an epoch may be smaller. The order depends on nothing but the seed and the epoch.

    Args:
        lengths: of each clip, in frames; not empty.
        bounds: upper bounds of the buckets, in frames, rising.
        batch_size: clips per batch.
        seed: of the order.
    """

    def __init__(self, lengths: Sequence[int], bounds: Sequence[int], batch_size: int, seed: int) -> None:
        if not lengths or not bounds or batch_size < 1:
            raise ValueError(f"{len(lengths)} clips, {len(bounds)} buckets and batches of {batch_size} make no batches")
        self.batch_size, self.seed = batch_size, seed
        bucket_of_clip = np.minimum(np.searchsorted(bounds, lengths, side="left"), len(bounds) - 1)
        self._buckets = [np.flatnonzero(bucket_of_clip == bucket) for bucket in range(len(bounds))]
        self._count = -(-len(lengths) // batch_size)

    def __len__(self) -> int:
        """Batches per epoch, the same in every epoch."""
        return self._count

    def batches(self, epoch: int) -> list[list[int]]:
        """The batches of one epoch, as places in `lengths`; none is empty."""
        random = np.random.default_rng((self.seed, epoch))
        batches: list[list[int]] = []
        waiting: list[int] = []
        for bucket in self._buckets:
            # Those that wait are the shortest here, so they stay together and make one batch longer, not several.
            waiting += random.permutation(bucket).tolist()
            full = len(waiting) - len(waiting) % self.batch_size
            batches += [waiting[start : start + self.batch_size] for start in range(0, full, self.batch_size)]
            waiting = waiting[full:]
        if waiting:
            batches.append(waiting)
        return [batches[place] for place in random.permutation(len(batches))]
