"""What feeds the Trainer changes nothing but where the recordings lie: memory, the device, or shards."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from configs import Config, InputError, load_config
from data.clips import Clip
from data.corpus import Corpus
from data.shards import open_shards, write_shards
from text import SymbolTable
from train import Trainer
from training.interruption import StopRequest

HOUSE = Path(__file__).resolve().parents[1]
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, "a": 3, "ə": 4})


def tiny(run: Path, *overrides: str) -> Config:
    """The tiny experiment, of few and small steps."""
    own = ["data.root=unused", f"run.dir={run}", "run.device=cpu", "train.batch_size=2", "train.report_every=1"]
    rare = ["train.validate_every=1000", "train.checkpoint_every=1000", "train.spoken_sentences=0"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, *rare, *overrides])


def noise(count: int, seed: int) -> list[Clip]:
    """Clips of 0.4 to 1.4 seconds."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(9_000, 30_000, count)
    return [
        Clip(f"{seed}-{place}", "aə", chance.integers(0, 5, 9), chance.integers(-9000, 9000, length, np.int16), 0)
        for place, length in enumerate(lengths)
    ]


def corpus(train: list[Clip], validation: list[Clip]) -> Corpus:
    return Corpus(train, validation, SYMBOLS, speakers=(), lexicon=None, fingerprint="made up")


def losses(run: Path) -> list[dict[str, float]]:
    """What metrics.jsonl says of each step, the clock aside."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key.startswith("loss/")} for line in lines]


def test_recordings_held_on_the_device_teach_the_same_to_the_bit(tmp_path: Path) -> None:
    train, validation = noise(7, 0), noise(2, 1)
    for hold in ("memory", "device"):
        config = tiny(tmp_path / hold, f"data.hold={hold}", "train.steps=5")
        Trainer(config, corpus(train, validation)).train(StopRequest())
    assert losses(tmp_path / "memory") == losses(tmp_path / "device")


def test_a_run_from_shards_that_stops_and_goes_on_is_the_run_that_never_stopped(tmp_path: Path) -> None:
    config = tiny(tmp_path / "whole", "train.steps=7")
    write_shards(
        noise(10, 0),
        noise(2, 1),
        tmp_path / "shards",
        data=config.data,
        audio=config.audio,
        symbols=SYMBOLS,
        speakers=(),
        clips_per_shard=4,
    )
    shards = open_shards(tmp_path / "shards", config.data, config.audio)
    whole = Trainer(config, shards)
    assert len(whole.source) == 5
    whole.train(StopRequest())
    first = Trainer(tiny(tmp_path / "parts", "train.steps=3"), shards)
    first.train(StopRequest())
    state = first.state_dict()  # before another Trainer seeds the generators
    rest = Trainer(tiny(tmp_path / "parts", "train.steps=7"), shards)
    rest.load_state_dict(state)
    rest.train(StopRequest())
    taught = [[line for line in losses(tmp_path / run) if line] for run in ("whole", "parts")]
    assert len(taught[0]) == 7
    assert taught[0] == taught[1]


def test_batches_bounded_by_frames_are_what_is_trained_on(tmp_path: Path) -> None:
    config = tiny(tmp_path / "run", "train.batch_frames=150", "train.batch_size=8")
    trainer = Trainer(config, corpus(noise(20, 0), noise(2, 1)))
    batches = trainer.batches()
    for _ in range(len(trainer.source)):
        audio = next(batches).audio  # [B, 1, S]
        assert audio.shape[0] == 1 or audio.shape[0] * (audio.shape[2] // 256) <= 150 + audio.shape[0]
        assert audio.dtype == torch.float32


def test_the_share_of_waiting_is_reported_with_every_line_of_losses(tmp_path: Path) -> None:
    Trainer(tiny(tmp_path / "run", "train.steps=3"), corpus(noise(4, 0), noise(2, 1))).train(StopRequest())
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    reports = [line for line in lines if "loss/generator/mel" in line]
    assert len(reports) == 3
    for report in reports:
        shares = {name: value for name, value in report.items() if name.startswith("time/")}
        assert shares.keys() == {"time/training", "time/data", "time/validation", "time/saving"}
        assert sum(shares.values()) == pytest.approx(1)
        assert all(0 <= share <= 1 for share in shares.values())


def test_shards_and_recordings_held_on_the_device_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.hold = 'device' holds all recordings"):
        tiny(tmp_path, "data.hold=device", "data.shards=somewhere")
