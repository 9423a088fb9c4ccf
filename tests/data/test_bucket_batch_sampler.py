"""Length buckets: every clip once, in a repeatable order, with clips of about its length."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.bucket_batch_sampler import BucketBatchSampler

Lengths = st.lists(st.integers(1, 1200), min_size=1, max_size=80)
Bounds = st.lists(st.integers(1, 1000), min_size=1, max_size=6, unique=True).map(sorted)
Size = st.integers(1, 20)
Seed = st.integers(0, 2**32)


@given(Lengths, Bounds, Size, Seed, st.integers(0, 1000))
def test_every_clip_comes_once_per_epoch_in_as_few_batches_as_possible(
    lengths: list[int], bounds: list[int], size: int, seed: int, epoch: int
) -> None:
    buckets = BucketBatchSampler(lengths, bounds, size, seed)
    batches = buckets.batches(epoch)
    assert Counter(clip for batch in batches for clip in batch) == Counter(range(len(lengths)))
    assert len(batches) == len(buckets) == -(-len(lengths) // size)
    assert sum(len(batch) < size for batch in batches) <= 1
    assert all(batches)


@given(Lengths, Bounds, Size, Seed, st.integers(0, 1000))
def test_the_order_depends_on_seed_and_epoch_alone(
    lengths: list[int], bounds: list[int], size: int, seed: int, epoch: int
) -> None:
    used = BucketBatchSampler(lengths, bounds, size, seed)
    for other in (3, 1, epoch + 1):
        used.batches(other)
    assert used.batches(epoch) == BucketBatchSampler(lengths, bounds, size, seed).batches(epoch)


@given(Lengths, Bounds, Size, Seed)
def test_a_batch_mixes_buckets_only_with_clips_that_did_not_fill_one(
    lengths: list[int], bounds: list[int], size: int, seed: int
) -> None:
    def bucket(clip: int) -> int:
        return next((place for place, bound in enumerate(bounds) if lengths[clip] <= bound), len(bounds) - 1)

    batches = BucketBatchSampler(lengths, bounds, size, seed).batches(0)
    totals = Counter(bucket(clip) for clip in range(len(lengths)))
    waiting = 0
    for place in range(len(bounds)):
        # Batches whose longest clip is of this bucket: as many as its clips and those that waited can fill.
        made = sum(max(map(bucket, batch)) == place for batch in batches if len(batch) == size)
        full, waiting = divmod(waiting + totals[place], size) if totals[place] else (0, waiting)
        assert made == full


def test_a_clip_as_long_as_a_bound_is_inside_and_longer_ones_go_to_the_last_bucket() -> None:
    lengths = [100, 100, 99, 101, 5000, 200]
    buckets = BucketBatchSampler(lengths, [100, 200], 3, seed=0)
    for epoch in range(10):
        assert {frozenset(batch) for batch in buckets.batches(epoch)} == {frozenset((0, 1, 2)), frozenset((3, 4, 5))}


def test_a_clip_has_other_companions_in_every_epoch() -> None:
    buckets = BucketBatchSampler([10] * 64, [100], 8, seed=0)
    companions = {frozenset(batch) for epoch in range(4) for batch in buckets.batches(epoch)}
    assert len(companions) == 4 * 8


def test_epochs_and_seeds_differ() -> None:
    lengths = list(range(1, 101))
    orders = {
        str(BucketBatchSampler(lengths, [50, 100], 8, seed).batches(epoch)) for seed in range(4) for epoch in range(4)
    }
    assert len(orders) == 16


def test_short_batches_do_not_always_come_first() -> None:
    lengths = [10] * 40 + [90] * 40
    buckets = BucketBatchSampler(lengths, [50, 100], 4, seed=0)
    firsts = {lengths[buckets.batches(epoch)[0][0]] for epoch in range(20)}
    assert firsts == {10, 90}


def test_the_order_is_the_one_that_runs_have_been_resumed_with_ever_since() -> None:
    lengths = [120, 310, 95, 480, 305, 200, 640, 330, 150, 505, 90, 410, 1200, 350]
    buckets = BucketBatchSampler(lengths, [100, 200, 300, 400, 500], 4, 1234)
    assert buckets.batches(0) == [[10, 2, 0, 8], [5, 4, 7, 13], [1, 6, 11, 12], [3, 9]]
    assert buckets.batches(7) == [[2, 10, 8, 5], [11, 6], [0, 4, 1, 7], [13, 9, 3, 12]]


MaxFrames = st.integers(1, 3000)
Ranks = st.integers(1, 9)


@given(Lengths, Bounds, Size, Seed, st.integers(0, 1000), MaxFrames)
def test_no_batch_has_more_frames_than_allowed_unless_it_is_one_clip(
    lengths: list[int], bounds: list[int], size: int, seed: int, epoch: int, max_frames: int
) -> None:
    batches = BucketBatchSampler(lengths, bounds, size, seed, max_frames=max_frames).batches(epoch)
    assert sorted(clip for batch in batches for clip in batch) == list(range(len(lengths)))
    for batch in batches:
        assert 0 < len(batch) <= size
        assert len(batch) == 1 or len(batch) * max(lengths[clip] for clip in batch) <= max_frames


@given(Lengths, Bounds, Size, Seed, MaxFrames, Ranks)
def test_every_epoch_and_every_rank_has_as_many_batches(
    lengths: list[int], bounds: list[int], size: int, seed: int, max_frames: int, ranks: int
) -> None:
    for rank in range(ranks):
        buckets = BucketBatchSampler(lengths, bounds, size, seed, max_frames=max_frames, rank=rank, ranks=ranks)
        alone = BucketBatchSampler(lengths, bounds, size, seed, max_frames=max_frames)
        assert {len(buckets.batches(epoch)) for epoch in range(3)} == {len(buckets)} == {-(-len(alone) // ranks)}


@given(Lengths, Bounds, Size, Seed, st.none() | MaxFrames, Ranks)
def test_the_ranks_share_the_clips_and_fewer_batches_than_ranks_come_twice(
    lengths: list[int], bounds: list[int], size: int, seed: int, max_frames: int | None, ranks: int
) -> None:
    each = [
        BucketBatchSampler(lengths, bounds, size, seed, max_frames=max_frames, rank=rank, ranks=ranks).batches(5)
        for rank in range(ranks)
    ]
    batches = Counter(tuple(batch) for own in each for batch in own)
    assert sorted(clip for batch in batches for clip in batch) == list(range(len(lengths)))  # each in one batch
    alone = BucketBatchSampler(lengths, bounds, size, seed, max_frames=max_frames)
    assert len(batches) == len(alone)
    assert batches.total() - len(batches) == -len(alone) % ranks


def test_ranks_have_batches_of_about_the_same_length_in_the_same_step() -> None:
    lengths = np.random.default_rng(0).integers(80, 1000, 1024).tolist()
    bounds = list(range(100, 1100, 100))
    each = [BucketBatchSampler(lengths, bounds, 8, 0, rank=rank, ranks=4).batches(0) for rank in range(4)]
    longest = np.array([[max(lengths[clip] for clip in batch) for batch in own] for own in each])
    assert np.median(longest.max(axis=0) / longest.min(axis=0)) < 1.2
    assert longest.max() / longest.min() > 5  # while steps differ


def test_which_batches_come_twice_differs_from_epoch_to_epoch() -> None:
    twice = set()
    for epoch in range(20):
        each = [
            BucketBatchSampler(range(1, 65), [32, 64], 7, 0, rank=rank, ranks=3).batches(epoch) for rank in range(3)
        ]
        counts = Counter(clip for own in each for batch in own for clip in batch)
        twice |= {clip for clip, count in counts.items() if count == 2}
    assert len(twice) > 48


def test_bounded_by_frames_batches_are_nearly_as_full_as_sorting_by_length_could_make_them() -> None:
    # Lengths like those of LJSpeech: 1 to 10 seconds, most of them long; and one reading of a whole page.
    lengths = [*np.clip(np.random.default_rng(1).normal(560, 190, 4000), 90, 870).astype(int).tolist(), 9000]
    bounds, max_frames = (300, 400, 500, 600, 700, 800, 900, 1000), 20_000
    made = len(BucketBatchSampler(lengths, bounds, 1000, 0, max_frames=max_frames))
    best, longest, held = 1, 0, 0
    for length in sorted(lengths):
        if (held + 1) * length > max_frames:
            best, held = best + 1, 0
        held, longest = held + 1, length
    assert longest == 9000
    assert best <= made < 1.15 * best


def test_short_clips_that_are_left_over_are_not_torn_apart_by_a_long_one() -> None:
    batches = BucketBatchSampler([100] * 9 + [5000], [100, 200], 64, 0, max_frames=1000).batches(0)
    assert {frozenset(batch) for batch in batches} == {frozenset(range(9)), frozenset([9])}


@pytest.mark.parametrize(("lengths", "bounds", "size"), [([], [100], 4), ([1], [], 4), ([1], [100], 0)])
def test_no_clips_no_buckets_and_no_batch_size_are_refused(lengths: list[int], bounds: list[int], size: int) -> None:
    with pytest.raises(ValueError, match="make no batches"):
        BucketBatchSampler(lengths, bounds, size, seed=0)


@pytest.mark.parametrize("wrong", [{"max_frames": 0}, {"rank": 2, "ranks": 2}, {"rank": -1}, {"ranks": 0}])
def test_no_frames_and_ranks_that_do_not_exist_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="make no batches"):
        BucketBatchSampler([1, 2], [100], 4, seed=0, **wrong)
