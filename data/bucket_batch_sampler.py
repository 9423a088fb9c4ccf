"""Which clips share a batch: clips of about the same length, every clip once per epoch, in a repeatable order."""

from collections.abc import Sequence

import numpy as np


class BucketBatchSampler:
    """Batches of clips of about the same length.

    A clip is in the first bucket whose bound is not below its length, and in the last one if it is longer than all.
    What does not fill a batch moves up to the next bucket, so no clip is dropped and none is seen twice; only the
    very last batch of an epoch may be smaller. The order depends on nothing but the seed and the epoch.

    With `max_frames`, the batches of a bucket have as many clips as fit when all are as long as the longest in it;
    what does not fit into a batch of the next bucket makes a smaller one. As which clips share a bucket never changes,
    neither does the number of batches.

    Several ranks share an epoch: in the same step each has another batch, of about the same length, so that none waits
    long for the others. Where the batches cannot be shared out evenly, fewer than `ranks` of them come twice.

    Args:
        lengths: of each clip, in frames; not empty.
        bounds: upper bounds of the buckets, in frames, rising.
        batch_size: clips per batch, at most.
        seed: of the order.
        max_frames: frames per batch at most, padding included; a clip that is longer makes a batch alone.
        rank: whose batches these are, from 0.
        ranks: how many share the clips.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        bounds: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        max_frames: int | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if not (lengths and bounds and batch_size > 0 and (max_frames is None or max_frames > 0) and 0 <= rank < ranks):
            raise ValueError(
                f"{len(lengths)} clips, {len(bounds)} buckets and batches of {batch_size} clips or {max_frames} frames "
                f"make no batches for rank {rank} of {ranks}"
            )
        self.seed, self.rank, self.ranks = seed, rank, ranks
        if max_frames is not None:
            # A few very long clips would make the batches of everything beyond the last bound as small as theirs.
            halves = sorted(max_frames >> half for half in range(max_frames.bit_length()))
            bounds = [*bounds, *(bound for bound in halves if bound > bounds[-1]), np.iinfo(np.int64).max]
        bucket_of_clip = np.minimum(np.searchsorted(bounds, lengths, side="left"), len(bounds) - 1)
        self._buckets = [np.flatnonzero(bucket_of_clip == bucket) for bucket in range(len(bounds))]
        self._sizes = [batch_size] * len(bounds)
        if max_frames is not None:
            longest = [int(np.asarray(lengths)[bucket].max(initial=1)) for bucket in self._buckets]
            self._sizes = [max(1, min(batch_size, max_frames // frames)) for frames in longest]
        self._count = -(-len(self._formed(np.random.default_rng(0))) // ranks)

    def __len__(self) -> int:
        """Batches per epoch, the same in every epoch and for every rank."""
        return self._count

    def batches(self, epoch: int) -> list[list[int]]:
        """This rank's batches of one epoch, as places in `lengths`; none is empty."""
        random = np.random.default_rng((self.seed, epoch))
        batches = self._formed(random)
        missing = self._count * self.ranks - len(batches)
        if missing:
            batches += [batches[place] for place in np.resize(random.permutation(len(batches)), missing)]
        return [batches[step * self.ranks + self.rank] for step in random.permutation(self._count)]

    def _formed(self, random: np.random.Generator) -> list[list[int]]:
        """The batches of an epoch from short to long; how many there are does not depend on `random`."""
        batches: list[list[int]] = []
        waiting: list[int] = []
        for bucket, size in zip(self._buckets, self._sizes, strict=True):
            if not len(bucket):
                continue
            if len(waiting) >= size:
                batches.append(waiting)
                waiting = []
            # Those that wait are the shortest here, so they stay together and make one batch longer, not several.
            waiting += random.permutation(bucket).tolist()
            full = len(waiting) - len(waiting) % size
            batches += [waiting[start : start + size] for start in range(0, full, size)]
            waiting = waiting[full:]
        if waiting:
            batches.append(waiting)
        return batches
