"""Shards that are damaged, incomplete or of other settings are refused with what is wrong and where."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs import AudioSettings, InputError
from data.clips import Clip, Shard
from data.prefetcher import clip_source
from data.shards import open_shards, write_shards
from tests.data.small_shards import AUDIO, DATA, SPEAKERS, SYMBOLS, clip, source, written
from text import SymbolTable


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
