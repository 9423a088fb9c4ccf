"""A cache that other versions, or other preparations, have written to: what is not ours is made again."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs import AudioSettings, DataSettings
from data.preparation import Preparation, prepare
from data.preparation.cache import Cache, Entry

REPOSITORY = Path(__file__).resolve().parents[3]


def make_corpus(root: Path, clips: int = 3) -> Path:
    (root / "wavs").mkdir(parents=True)
    for number in range(clips):
        noise = np.random.default_rng(number).normal(scale=0.1, size=66150)
        soundfile.write(root / "wavs" / f"clip-{number}.flac", noise, 22050)
    rows = (f"clip-{number}|The quick brown fox jumps over the lazy dog." for number in range(clips))
    (root / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def look(root: Path, cache: Path) -> Preparation:
    data = DataSettings(root=str(root), cache=str(cache), front_end="graphemes")
    return prepare(data, AudioSettings())


def entries(cache: Path) -> dict[str, Entry]:
    found = {}
    for path in (cache / "entries").rglob("*"):
        if path.is_file():
            key = path.parent.name + path.name
            entry = Cache(cache).load(key)
            assert entry is not None
            found[key] = entry
    return found


def without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


FOREIGN: dict[str, Any] = {
    "nothing": lambda facts: None,
    "a list": lambda facts: [facts],
    "no metrics": lambda facts: without(facts, "metrics"),
    "no faults": lambda facts: without(facts, "faults"),
    "no rows": lambda facts: without(facts, "examined"),
    "no time": lambda facts: without(facts, "started"),
    "a measure that is gone": lambda facts: facts | {"metrics": {"seconds": 1.0, "hum_db": -60.0}},
    "a fault that is gone": lambda facts: facts | {"faults": [["hum", "50 Hz", "kept"]]},
    "another digest": lambda facts: facts | {"digest": "0" * 64},
    "another length": lambda facts: facts | {"samples": 7},
    "fewer rows": lambda facts: facts | {"examined": []},
    "rows of another kind": lambda facts: facts | {"examined": [1, 2, 3]},
    "rows without fields": lambda facts: facts | {"examined": [[{}, []]] * 3},
    "a time in words": lambda facts: facts | {"started": "yesterday"},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_entries_with_our_key_and_the_content_of_another_version_are_made_again(tmp_path: Path, name: str) -> None:
    root, cache = make_corpus(tmp_path / "corpus"), tmp_path / "cache"
    first, ours = look(root, cache), entries(cache)
    for key, entry in ours.items():
        Cache(cache).store(key, Entry(FOREIGN[name](dict(entry.facts)), entry.audio))
    again = look(root, cache)
    assert again == first
    for clip in again.clips:
        assert len(again.prepared_audio.samples(clip.recording.audio_path, clip.audio_key)) == clip.samples


def test_entries_of_another_version_are_left_alone_under_their_own_keys(tmp_path: Path) -> None:
    root, cache = make_corpus(tmp_path / "corpus"), tmp_path / "cache"
    Cache(cache).store("0" * 64, Entry({"of": "another version"}))
    assert len(look(root, cache).clips) == 3
    assert entries(cache)["0" * 64].facts == {"of": "another version"}


# Processes that begin at once, each forked from one that has imported what it needs.
CODE = """
import json, os, sys
from configs import AudioSettings, DataSettings
from data.preparation import prepare
children = []
for number, settings in enumerate(json.loads(sys.argv[1])):
    child = os.fork()
    if child == 0:
        preparation = prepare(DataSettings(**settings), AudioSettings())
        with open(os.path.join(sys.argv[2], f"{number}.json"), "w") as file:
            json.dump([[clip.recording.id, clip.audio_key, clip.audio_digest] for clip in preparation.clips], file)
        os._exit(0)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_preparations_of_different_settings_and_corpora_share_a_cache_at_once(tmp_path: Path) -> None:
    roots = [make_corpus(tmp_path / name, 20) for name in ("one", "two")]
    asked: list[dict[str, Any]] = [
        {"root": str(root), "front_end": "graphemes", **own}
        for root in roots
        for own in ({}, {"level": "rms"}, {"longest_seconds": 9.0})
    ]

    running = [settings | {"cache": str(tmp_path / "shared")} for settings in asked for _ in range(2)]
    subprocess.run([sys.executable, "-c", CODE, json.dumps(running), str(tmp_path)], cwd=REPOSITORY, check=True)
    together = [(tmp_path / f"{number}.json").read_text(encoding="utf-8") for number in range(len(running))]
    for number, settings in enumerate(asked):
        own = DataSettings(**settings | {"cache": str(tmp_path / f"alone-{number}")})
        alone = prepare(own, AudioSettings())
        expected = [[clip.recording.id, clip.audio_key, clip.audio_digest] for clip in alone.clips]
        assert json.loads(together[2 * number]) == json.loads(together[2 * number + 1]) == expected
        shared = prepare(own.model_copy(update={"cache": str(tmp_path / "shared")}), AudioSettings())
        assert replace(shared, data=own) == alone
    entries(tmp_path / "shared")
    assert not list((tmp_path / "shared" / "unfinished").iterdir())
