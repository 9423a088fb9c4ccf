"""Length buckets: every clip once, in a repeatable order, with clips of about its length."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.buckets import LengthBuckets

Lengths = st.lists(st.integers(1, 1200), min_size=1, max_size=80)
Bounds = st.lists(st.integers(1, 1000), min_size=1, max_size=6, unique=True).map(sorted)
Size = st.integers(1, 20)
Seed = st.integers(0, 2**32)


@given(Lengths, Bounds, Size, Seed, st.integers(0, 1000))
def test_every_clip_comes_once_per_epoch_in_as_few_batches_as_possible(
    lengths: list[int], bounds: list[int], size: int, seed: int, epoch: int
) -> None:
    buckets = LengthBuckets(lengths, bounds, size, seed)
    batches = buckets.batches(epoch)
    assert Counter(clip for batch in batches for clip in batch) == Counter(range(len(lengths)))
    assert len(batches) == len(buckets) == -(-len(lengths) // size)
    assert sum(len(batch) < size for batch in batches) <= 1
    assert all(batches)


@given(Lengths, Bounds, Size, Seed, st.integers(0, 1000))
def test_the_order_depends_on_seed_and_epoch_alone(
    lengths: list[int], bounds: list[int], size: int, seed: int, epoch: int
) -> None:
    used = LengthBuckets(lengths, bounds, size, seed)
    for other in (3, 1, epoch + 1):
        used.batches(other)
    assert used.batches(epoch) == LengthBuckets(lengths, bounds, size, seed).batches(epoch)


@given(Lengths, Bounds, Size, Seed)
def test_a_batch_mixes_buckets_only_with_clips_that_did_not_fill_one(
    lengths: list[int], bounds: list[int], size: int, seed: int
) -> None:
    def bucket(clip: int) -> int:
        return next((place for place, bound in enumerate(bounds) if lengths[clip] <= bound), len(bounds) - 1)

    batches = LengthBuckets(lengths, bounds, size, seed).batches(0)
    totals = Counter(bucket(clip) for clip in range(len(lengths)))
    waiting = 0
    for place in range(len(bounds)):
        # Batches whose longest clip is of this bucket: as many as its clips and those that waited can fill.
        made = sum(max(map(bucket, batch)) == place for batch in batches if len(batch) == size)
        full, waiting = divmod(waiting + totals[place], size) if totals[place] else (0, waiting)
        assert made == full


def test_a_clip_as_long_as_a_bound_is_inside_and_longer_ones_go_to_the_last_bucket() -> None:
    lengths = [100, 100, 99, 101, 5000, 200]
    buckets = LengthBuckets(lengths, [100, 200], 3, seed=0)
    for epoch in range(10):
        assert {frozenset(batch) for batch in buckets.batches(epoch)} == {frozenset((0, 1, 2)), frozenset((3, 4, 5))}


def test_a_clip_has_other_companions_in_every_epoch() -> None:
    buckets = LengthBuckets([10] * 64, [100], 8, seed=0)
    companions = {frozenset(batch) for epoch in range(4) for batch in buckets.batches(epoch)}
    assert len(companions) == 4 * 8


def test_epochs_and_seeds_differ() -> None:
    lengths = list(range(1, 101))
    orders = {str(LengthBuckets(lengths, [50, 100], 8, seed).batches(epoch)) for seed in range(4) for epoch in range(4)}
    assert len(orders) == 16


def test_short_batches_do_not_always_come_first() -> None:
    lengths = [10] * 40 + [90] * 40
    buckets = LengthBuckets(lengths, [50, 100], 4, seed=0)
    firsts = {lengths[buckets.batches(epoch)[0][0]] for epoch in range(20)}
    assert firsts == {10, 90}


@pytest.mark.parametrize(("lengths", "bounds", "size"), [([], [100], 4), ([1], [], 4), ([1], [100], 0)])
def test_no_clips_no_buckets_and_no_batch_size_are_refused(lengths: list[int], bounds: list[int], size: int) -> None:
    with pytest.raises(ValueError, match="make no batches"):
        LengthBuckets(lengths, bounds, size, seed=0)
