"""Shards of a few clips of noise."""

from pathlib import Path
from typing import Any

import numpy as np

from configs import AudioSettings, DataSettings
from data.clips import Clip
from data.corpus import Corpus
from data.prefetcher import ClipSource, clip_source
from data.shards import write_shards
from text import SymbolTable

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
