"""A batch sampler with length buckets: every clip once per epoch, in a deterministic order."""

from collections.abc import Sequence

import numpy as np


class BucketBatchSampler:
    """Samples batches of clips of similar length.

    A clip is in the first bucket whose bound is at least its length, or in the last one. Clips that do not fill a batch
    move up to the next bucket, so no clip is dropped or repeated; only the very last batch of an epoch may be smaller.
    The order depends only on the seed and the epoch.

    With `max_frames`, the batch size of a bucket is the number of clips that fit if all are as long as the longest in
    it; clips that do not fit into a batch of the next bucket make a smaller one. The buckets are fixed, so the number
    of batches per epoch is, too.

    With several ranks, the batches of one step have similar lengths, so that no rank waits long for the others. If the
    batches cannot be distributed evenly, fewer than `ranks` of them are repeated.

    Args:
        lengths: of each clip, in frames; not empty.
        bounds: upper bounds of the buckets, in frames, ascending.
        batch_size: maximum clips per batch.
        seed: of the order.
        max_frames: maximum frames per batch, padding included; a longer clip makes a batch of one.
        rank: of this process, from 0.
        ranks: number of processes.
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
            # Else a few very long clips would reduce the batch size of everything beyond the last bound.
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
        """This rank's batches of one epoch, as indices into `lengths`; none is empty."""
        random = np.random.default_rng((self.seed, epoch))
        batches = self._formed(random)
        missing = self._count * self.ranks - len(batches)
        if missing:
            batches += [batches[place] for place in np.resize(random.permutation(len(batches)), missing)]
        return [batches[step * self.ranks + self.rank] for step in random.permutation(self._count)]

    def _formed(self, random: np.random.Generator) -> list[list[int]]:
        """The batches of an epoch, from short to long; their number does not depend on `random`."""
        batches: list[list[int]] = []
        waiting: list[int] = []
        for bucket, size in zip(self._buckets, self._sizes, strict=True):
            if not len(bucket):
                continue
            if len(waiting) >= size:
                batches.append(waiting)
                waiting = []
            # The clips that wait are the shortest here: kept together, they add padding to one batch only.
            waiting += random.permutation(bucket).tolist()
            full = len(waiting) - len(waiting) % size
            batches += [waiting[start : start + size] for start in range(0, full, size)]
            waiting = waiting[full:]
        if waiting:
            batches.append(waiting)
        return batches
