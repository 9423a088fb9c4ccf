"""What is stored comes back; what is damaged does not."""

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from configs import InputError
from data.preparation.cache import Cache, Entry, digest_of_code, key_of

AUDIO = np.arange(-5000, 5000, dtype=np.int16)
KEY = key_of("a recording", 22050)


def entry_file(cache: Cache) -> Path:
    (path,) = (path for path in (cache.folder / "entries").rglob("*") if path.is_file())
    return path


@pytest.mark.parametrize("audio", [None, AUDIO, AUDIO[:0]])
def test_an_entry_comes_back_as_it_was_stored(tmp_path: Path, audio: np.ndarray | None) -> None:
    cache = Cache(tmp_path / "cache")
    facts = {"text": "naïve\nlines", "nothing": None, "numbers": [1, 0.1]}
    assert cache.load(KEY) is None
    cache.store(KEY, Entry(facts, audio))
    loaded = cache.load(KEY)
    assert loaded is not None
    assert loaded.facts == facts
    if audio is None:
        assert loaded.audio is None
    else:
        assert loaded.audio is not None
        np.testing.assert_array_equal(loaded.audio, audio)


def test_a_folder_that_cannot_be_written_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    cache = Cache(tmp_path / "cache")
    with pytest.raises(InputError, match=r"cache: cannot be written .*data\.cache"):
        cache.store(KEY, Entry({}))
    with pytest.raises(InputError, match=r"cache: cannot be written .*data\.cache"), cache.locked(KEY):
        pass


def test_keys_differ_when_any_part_does_and_do_not_depend_on_the_order_of_settings() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert len({key_of("a", "b"), key_of("ab"), key_of(["a", "b"]), key_of("a", "b", None), key_of("a")}) == 5


def test_the_digest_of_code_follows_the_content_of_the_files(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    digests = set()
    for content in ("one", "two", "one"):
        code.write_text(content, encoding="utf-8")
        digests.add(digest_of_code(code))
    assert len(digests) == 2


def test_no_flipped_bit_and_no_cut_is_ever_believed_and_a_damaged_entry_can_be_replaced(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store(KEY, Entry({"samples": len(AUDIO)}, AUDIO))
    path = entry_file(cache)
    whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(1000):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert cache.load(KEY) is None
    for size in (0, 1, 31, 32, 33, *(chance.randrange(len(whole)) for _ in range(195))):
        path.write_bytes(whole[:size])
        assert cache.load(KEY) is None
    cache.store(KEY, Entry({"samples": len(AUDIO)}, AUDIO))
    assert path.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_killed_while_it_stores_leaves_each_entry_whole_or_absent(tmp_path: Path) -> None:
    cache, chance = Cache(tmp_path), random.Random(2)
    audio = np.zeros(50_000, dtype=np.int16)
    for round_number in range(50):
        stored, tell = os.pipe()
        child = os.fork()
        if child == 0:
            for number in range(10_000):
                cache.store(key_of(round_number, number), Entry({"number": number}, audio))
                os.write(tell, b".")
            os._exit(0)
        for _ in range(chance.randrange(1, 6)):
            os.read(stored, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(stored)
        os.close(tell)
    files = [path for path in (tmp_path / "entries").rglob("*") if path.is_file()]
    assert len(files) > 50
    assert all(cache.load(path.parent.name + path.name) is not None for path in files)


def test_only_what_was_abandoned_long_ago_is_removed(tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    for name, age_seconds in (("being-written", 5), ("abandoned", 7200)):
        (unfinished / name).write_bytes(b"half")
        then = time.time() - age_seconds
        os.utime(unfinished / name, (then, then))
    Cache(tmp_path).remove_unfinished()
    assert [path.name for path in unfinished.iterdir()] == ["being-written"]
    Cache(tmp_path / "nowhere").remove_unfinished()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no newline",
        b"\n",
        b"{\n",
        b"[]\n",
        b"7\n",
        b"null\n",
        b"[true]\n" + AUDIO.tobytes(),
        b"[true, {}]\nodd",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"facts": {}, "version": 1}\n',
    ],
)
def test_a_body_of_another_version_with_a_right_digest_is_no_entry(tmp_path: Path, body: bytes) -> None:
    cache = Cache(tmp_path)
    cache.store(KEY, Entry({}))
    entry_file(cache).write_bytes(hashlib.sha256(body).digest() + body)
    assert cache.load(KEY) is None
