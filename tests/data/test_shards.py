"""Shards: what was written is read to the bit, every clip once in every epoch, in an order of its own."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs import load_config
from data.clips import Clip, Shard
from data.prefetcher import clip_source
from data.shards import main, open_shards, write_shards
from tests.data.small_shards import AUDIO, DATA, SPEAKERS, SYMBOLS, clip, source, written
from tests.embedded import make_embedded_corpus

HOUSE = Path(__file__).resolve().parents[2]


def names(batches: Iterator[list[Clip]]) -> list[list[str]]:
    return [[clip.id for clip in batch] for batch in batches]


def all_of(shard: Shard) -> list[Clip]:
    """Every clip of one shard, in the order of the file."""
    reading = clip_source([], (shard,), hop_length=256, bounds=(9,), batch_size=1, max_frames=None, seed=0)
    place = {count: place for place, count in enumerate(shard.samples)}
    return sorted((batch[0] for batch in reading.batches(0)), key=lambda one: place[len(one.audio)])


def same(first: Clip, second: Clip) -> bool:
    return (
        (first.id, first.text, first.speaker_id) == (second.id, second.text, second.speaker_id)
        and first.phoneme_ids.dtype == second.phoneme_ids.dtype == np.int64
        and first.audio.dtype == second.audio.dtype == np.int16
        and np.array_equal(first.phoneme_ids, second.phoneme_ids)
        and np.array_equal(first.audio, second.audio)
    )


def test_clips_come_back_as_they_were_to_the_bit(tmp_path: Path) -> None:
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    assert (shards.symbols, shards.speakers, shards.lexicon) == (SYMBOLS, SPEAKERS, None)
    assert all(same(clip(1000 + place), one) for place, one in enumerate(shards.validation))
    assert len(shards.validation) == 5
    read = {one.id: one for batch in source(shards).batches(0) for one in batch}
    assert len(read) == 50
    assert all(same(clip(place), read[f"part/{place}.x"]) for place in range(50))


def test_a_corpus_without_speakers_comes_back_without(tmp_path: Path) -> None:
    one = Clip("a", "b", np.array([1, 3, 2]), np.arange(300, dtype=np.int16), 0)
    write_shards([one], [one], tmp_path, data=DATA, audio=AUDIO, symbols=SYMBOLS, speakers=())
    shards = open_shards(tmp_path, DATA, AUDIO)
    assert shards.speakers == ()
    assert same(shards.validation[0], one)


@pytest.mark.parametrize("max_frames", [None, 25])
def test_every_clip_comes_once_in_an_epoch_and_every_epoch_is_as_long(tmp_path: Path, max_frames: int | None) -> None:
    reading = source(open_shards(written(tmp_path), DATA, AUDIO), max_frames=max_frames)
    for epoch in range(3):
        batches = names(reading.batches(epoch))
        assert len(batches) == len(reading)
        assert sorted(itertools.chain(*batches)) == sorted(f"part/{place}.x" for place in range(50))


def test_the_order_depends_on_seed_and_epoch_and_on_no_number_of_workers(tmp_path: Path) -> None:
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    orders = []
    for workers in (1, 2, 7):
        reading: Any = source(shards)
        reading.workers = workers
        orders.append([names(reading.batches(epoch)) for epoch in (1, 0, 2)])
    assert orders[0] == orders[1] == orders[2]
    others = [*orders[0], names(source(shards, seed=6).batches(0))]
    assert len({str(order) for order in others}) == 4
    firsts = {names(source(shards).batches(epoch))[0][0] for epoch in range(8)}
    assert len({int(first.removeprefix("part/").removesuffix(".x")) // 12 for first in firsts}) > 1  # shards move


def test_an_epoch_from_its_middle_is_its_rest_and_reads_no_shard_before(tmp_path: Path) -> None:
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    reading: Any = source(shards)
    whole = names(reading.batches(3))
    for start in range(len(reading) + 1):
        assert names(reading.batches(3, start)) == whole[start:]
    last = whole[-1]
    needed = [shard for shard, _ in reading._plans(3, len(reading) - 1)]
    for shard in shards.shards:
        if shard not in needed:
            shard.path.unlink()
    assert names(reading.batches(3, len(reading) - 1)) == [last]


RANK = """
import json, sys
from configs import AudioSettings, DataSettings
from data.prefetcher import Prefetcher, clip_source
from data.shards import open_shards
folder, rank = sys.argv[1], int(sys.argv[2])
shards = open_shards(folder, DataSettings(root="nowhere", language="nl"), AudioSettings())
source = clip_source(
    [], shards.shards, hop_length=256, bounds=(4, 8, 12), batch_size=4, max_frames=None, seed=5, rank=rank, ranks=2
)
seen = [[[clip.id for clip in batch] for batch in Prefetcher().through(source.batches(epoch))] for epoch in range(2)]
print(json.dumps([len(source), seen]))
"""


def test_two_processes_share_a_corpus_and_take_as_many_steps(tmp_path: Path) -> None:
    written(tmp_path)

    def run() -> list[Any]:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", RANK, str(tmp_path), str(rank)], cwd=HOUSE, stdout=subprocess.PIPE, text=True
            )
            for rank in range(2)
        ]
        return [json.loads(process.communicate(timeout=600)[0]) for process in processes]

    ranks = run()
    (count, first), (other_count, second) = ranks
    # 12 clips are 3 batches: of the four shards that have as many, each must give one of them twice.
    assert count == other_count == 4 * 2 + 1
    for epoch in range(2):
        assert len(first[epoch]) == len(second[epoch]) == count
        assert {*itertools.chain(*first[epoch], *second[epoch])} == {f"part/{place}.x" for place in range(50)}
        alone = [batch for batch in first[epoch] if batch not in second[epoch]]
        assert not {*itertools.chain(*alone)} & {*itertools.chain(*second[epoch])}
    assert first[0] != first[1]
    assert run() == ranks


def test_webdataset_reads_the_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    urls = [str(shard.path) for shard in shards.shards]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert [json.loads(sample["json"])["id"] for sample in samples] == [f"part/{place}.x" for place in range(50)]
    (tmp_path / "one.flac").write_bytes(samples[7]["flac"])
    audio, rate = soundfile.read(tmp_path / "one.flac", dtype="int16")
    assert rate == 22050
    assert np.array_equal(audio, clip(7).audio)


def test_the_same_corpus_gives_the_same_files_and_another_another_fingerprint(tmp_path: Path) -> None:
    folders = [written(tmp_path / "a"), written(tmp_path / "b"), written(tmp_path / "c", count=49)]
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1]
    prints = [open_shards(folder, DATA, AUDIO).fingerprint for folder in folders]
    assert prints[0] == prints[1] != prints[2]


def test_the_command_writes_a_corpus_that_can_be_opened_and_mixes_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_embedded_corpus(tmp_path / "embedded", clips=12)
    rows = (root / "metadata.csv").read_text().splitlines()
    own = [f"data.root={root}", f"data.cache={tmp_path / 'cache'}", "data.validation_clips=2"]
    settings = [str(HOUSE / "configs" / "tiny.toml"), *own, "data.front_end=graphemes"]
    monkeypatch.setattr("sys.argv", ["shards", *settings, "-o", str(tmp_path / "shards"), "--clips", "4"])
    assert main() == 0
    assert f"data.shards={tmp_path / 'shards'}" in capsys.readouterr().out
    config = load_config(settings[0], settings[1:])
    shards = open_shards(tmp_path / "shards", config.data, config.audio)
    order = [one.id for shard in shards.shards for one in all_of(shard)]
    ids = [row.split("|")[0] for row in rows]
    assert sorted([*order, *(one.id for one in shards.validation)]) == sorted(ids)
    assert len(shards.validation) == 2
    assert order != sorted(order)
    assert main() == 2
    assert "has shards already" in capsys.readouterr().err
