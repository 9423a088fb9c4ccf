"""Shards are read with memory for two of them and a batch, and written with memory for one clip."""

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.clips import Clip
from data.shards import open_shards, write_shards
from tests.data.small_shards import AUDIO, DATA, SPEAKERS, SYMBOLS, clip, source


@pytest.fixture
def nothing_else() -> Iterator[None]:
    """Objects that are there already are not looked at by `clips_alive`."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def clips_alive() -> int:
    return sum(type(thing) is Clip for thing in gc.get_objects())


@pytest.mark.usefixtures("nothing_else")
def test_memory_is_for_two_shards_and_a_batch_however_many_there_are(tmp_path: Path) -> None:
    def peaks(count: int) -> tuple[int, int]:
        folder = tmp_path / str(count)
        train = (clip(place, longest=60_000) for place in range(count))
        write_shards(
            train, [clip(0)], folder, data=DATA, audio=AUDIO, symbols=SYMBOLS, speakers=SPEAKERS, clips_per_shard=8
        )
        reading = source(open_shards(folder, DATA, AUDIO))
        gc.collect()
        before, alive = clips_alive(), 0
        tracemalloc.start()
        for batch in reading.batches(0):
            alive = max(alive, clips_alive() - before)
            del batch
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return alive, peak

    few, many = peaks(24), peaks(120)
    assert few[0] == many[0] == 4
    assert many[1] < 1.3 * few[1]


@pytest.mark.usefixtures("nothing_else")
def test_writing_takes_one_clip_at_a_time(tmp_path: Path) -> None:
    most = 0

    def stream() -> Iterator[Clip]:
        nonlocal most
        for place in range(30):
            yield clip(place)
            most = max(most, clips_alive())

    gc.collect()
    before = clips_alive()
    write_shards(
        stream(), [clip(0)], tmp_path, data=DATA, audio=AUDIO, symbols=SYMBOLS, speakers=SPEAKERS, clips_per_shard=10
    )
    assert most - before <= 3
