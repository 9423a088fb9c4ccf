"""Shards: what was written is read, every clip in every epoch, with memory for a shard and not for the corpus."""

import gc
import io
import itertools
import json
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs import AudioSettings, DataSettings, InputError, load_config
from data.clips import Clip, Shard
from data.corpus import Corpus
from data.prefetcher import ClipSource, clip_source
from data.shards import main, open_shards, write_shards
from tests.embedded import make_embedded_corpus
from text import SymbolTable

HOUSE = Path(__file__).resolve().parents[2]
DATA, AUDIO = DataSettings(root="nowhere", language="nl"), AudioSettings()
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, "a": 3, "ə": 4})
SPEAKERS = ("ann", "bob", "ça")


def clip(place: int, longest: int = 3000) -> Clip:
    chance = np.random.default_rng(place)
    audio = chance.integers(-32768, 32768, int(chance.integers(256, longest)), dtype=np.int16)
    return Clip(f"part/{place}.x", f"Text “{place}”.", chance.integers(0, 5, 7), audio, place % 3)


def written(folder: Path, count: int = 50, per_shard: int = 12, **changed: Any) -> Path:
    arguments: dict[str, Any] = {"data": DATA, "audio": AUDIO, "symbols": SYMBOLS, "speakers": SPEAKERS} | changed
    train, validation = map(clip, range(count)), map(clip, range(1000, 1005))
    write_shards(train, validation, folder, clips_per_shard=per_shard, **arguments)
    return folder


def source(shards: Corpus, **changed: Any) -> ClipSource:
    arguments: dict[str, Any] = {"bounds": (4, 8, 12), "batch_size": 4, "max_frames": None, "seed": 5} | changed
    return clip_source([], shards.shards, hop_length=256, **arguments)


def names(batches: Iterator[list[Clip]]) -> list[list[str]]:
    return [[clip.id for clip in batch] for batch in batches]


@pytest.fixture
def nothing_else() -> Iterator[None]:
    """Objects that are there already are not looked at by `clips_alive`."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def clips_alive() -> int:
    return sum(type(thing) is Clip for thing in gc.get_objects())


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


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_shard_that_is_cut_short_is_named_before_training_begins(tmp_path: Path, share: float) -> None:
    cut(written(tmp_path) / "train-00002.tar", share)
    with pytest.raises(InputError, match=r"train-00002\.tar: is damaged or cut short .* of \d+ bytes.*copy it again"):
        open_shards(tmp_path, DATA, AUDIO)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.83])
def test_a_shard_that_is_cut_short_in_the_middle_of_training_is_named(tmp_path: Path, share: float) -> None:
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    cut(tmp_path / "train-00002.tar", share)
    with pytest.raises(InputError, match=r"train-00002\.tar: is damaged or cut short .*copy it again"):
        list(source(shards).batches(0))


def test_a_shard_cut_between_two_clips_is_refused_too(tmp_path: Path) -> None:
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    path = tmp_path / "train-00001.tar"
    with tarfile.open(path) as tar:
        border = tar.getmember("000006.flac").offset
    path.write_bytes(path.read_bytes()[:border])
    with pytest.raises(InputError, match=r"train-00001\.tar: is damaged or cut short \(clip \d+ is missing"):
        list(source(shards).batches(0))


def test_a_clip_of_another_length_than_the_index_says_is_refused(tmp_path: Path) -> None:
    shards = open_shards(written(tmp_path), DATA, AUDIO)
    wrong = Shard(shards.shards[0].path, tuple(count + 1 for count in shards.shards[0].samples), SPEAKERS)
    with pytest.raises(InputError, match=r"train-00000\.tar: is damaged .*has \d+ of \d+ samples"):
        list(clip_source([], (wrong,), hop_length=256, bounds=(9,), batch_size=4, max_frames=None, seed=0).batches(0))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"phoneme_ids": [5]}, "not of the alphabet"),
        ({"phoneme_ids": [-1]}, "not of the alphabet"),
        ({"phoneme_ids": []}, "not of the alphabet"),
        ({"phoneme_ids": [2**70]}, "clip 0"),
        ({"phoneme_ids": [[1, 2]]}, "phoneme_ids"),
        ({"id": 3}, "id is a int"),
        ({"speaker": "zed"}, "clip 0"),
    ],
)
def test_a_clip_of_another_content_than_its_index_allows_is_refused(
    tmp_path: Path, content: dict[str, object], told: str
) -> None:
    path = written(tmp_path) / "validation-00000.tar"
    with tarfile.open(path) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    with tarfile.open(path, "w:") as tar:
        for place, (member, old) in enumerate(members):
            new = json.dumps(json.loads(old) | content).encode() if place == 1 else old
            member.size = len(new)
            tar.addfile(member, io.BytesIO(new))
    index = json.loads((tmp_path / "index.json").read_text())
    index["validation"][0]["bytes"] = path.stat().st_size
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match=r"validation-00000\.tar: is damaged") as refusal:
        open_shards(tmp_path, DATA, AUDIO)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"lexicon": []},
        {"lexicon": {"x": 1}},
        {"train": [{"file": "../x", "bytes": 1, "digest": "", "samples": [1]}]},
        {"train": [{"file": "train-00000.tar", "bytes": 1, "digest": "", "samples": []}]},
        {"train": [{"file": "train-00000.tar", "bytes": 1, "digest": "", "samples": [-4]}]},
    ],
)
def test_an_index_of_other_content_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = written(tmp_path) / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=r"index\.json: "):
        open_shards(tmp_path, DATA, AUDIO)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    (written(tmp_path) / "validation-00000.tar").unlink()
    with pytest.raises(InputError, match=r"validation-00000\.tar: there is no such shard"):
        open_shards(tmp_path, DATA, AUDIO)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "python -m data.shards"), ("{", "is not the index"), ("[]", "format 1"), ('{"format": 2}', "format 1")],
)
def test_a_folder_without_a_usable_index_is_refused(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "index.json").write_text(content)
    with pytest.raises(InputError, match=r"index\.json: ") as refusal:
        open_shards(tmp_path, DATA, AUDIO)
    assert told in str(refusal.value)


def test_shards_of_other_settings_another_alphabet_or_other_speakers_are_refused(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(InputError, match=r"made with data\.language = 'nl', and the experiment has 'de'"):
        open_shards(tmp_path, DATA.model_copy(update={"language": "de"}), AUDIO)
    with pytest.raises(InputError, match=r"made with audio\.hop_length = 256, and the experiment has 200"):
        open_shards(tmp_path, DATA, AudioSettings(hop_length=200))
    words = tmp_path / "words.txt"
    words.write_text("nguyen = win", encoding="utf-8")
    with pytest.raises(InputError, match=r"not made with the words of .*words\.txt"):
        open_shards(tmp_path, DATA.model_copy(update={"lexicon": str(words)}), AUDIO)
    with pytest.raises(InputError, match="another alphabet than the voice"):
        open_shards(tmp_path, DATA, AUDIO, symbols=SymbolTable({"_": 0, "^": 1, "$": 2}))
    with pytest.raises(InputError, match=r"have the speakers \['ann', 'bob', 'ça'\], and the voice \['bob'\]"):
        open_shards(tmp_path, DATA, AUDIO, speakers=["bob"])
    assert open_shards(tmp_path, DATA, AUDIO, symbols=SYMBOLS, speakers=list(SPEAKERS)).speakers == SPEAKERS


def test_writing_that_was_interrupted_leaves_no_index_and_can_be_done_again(tmp_path: Path) -> None:
    def broken() -> Iterator[Clip]:
        yield from map(clip, range(20))
        raise InputError("clip 20 cannot be read")

    arguments: dict[str, Any] = {"data": DATA, "audio": AUDIO, "symbols": SYMBOLS, "speakers": SPEAKERS}
    with pytest.raises(InputError, match="clip 20"):
        write_shards(broken(), [clip(0)], tmp_path, clips_per_shard=8, **arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train-00000.tar", "train-00001.tar"]
    written(tmp_path)
    with pytest.raises(InputError, match="has shards already"):
        written(tmp_path)


def test_no_clips_make_no_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no clips for train"):
        written(tmp_path, count=0)
    assert not (tmp_path / "index.json").exists()


def test_the_command_writes_a_corpus_that_can_be_opened_and_mixes_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_embedded_corpus(tmp_path / "embedded")
    rows = (root / "metadata.csv").read_text().splitlines()[:12]
    (root / "metadata.csv").write_text("\n".join(rows))
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
