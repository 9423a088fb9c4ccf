"""Runs of a few steps on a few clips, and what they write."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs import Config, load_config
from train import Trainer, main, start
from training.interruption import StopRequest

HOUSE = Path(__file__).resolve().parents[1]
# The least that a step can be made of.
SMALL = ("run.device=cpu", "train.batch_size=2", "train.segment_samples=2048", "train.spoken_sentences=0")

# Networks with every part of the tiny ones, in which a step takes half as long. Most of what a short run costs is in
# proportion to the number of its tensors, of which the stochastic duration predictor has as many as all other parts.
SMALLER = (
    *("model.hidden_channels=16", "model.latent_channels=16", "model.filter_channels=32", "model.duration_channels=16"),
    *("model.text_layers=1", "model.posterior_layers=1", "model.coupling_layers=2", "model.coupling_wavenet_layers=1"),
    *("model.duration_predictor=deterministic", "model.duration_flows=1"),
    *("decoder.initial_channels=32", "decoder.residual_kernel_sizes=[3]", "decoder.residual_dilations=[[1, 2]]"),
    "discriminator.periods=[2]",
)


def settings(corpus_folder: Path, run: Path, *overrides: str) -> list[str]:
    """Settings for the embedded clips in a folder, for smaller networks, and for a report of every step."""
    own = [f"data.root={corpus_folder}", f"data.cache={corpus_folder.parent / 'cache'}", f"run.dir={run}"]
    own += ["data.validation_clips=2", "train.report_every=1"]
    rare = ["train.validate_every=1000", "train.checkpoint_every=1000", "train.spoken_sentences=1"]
    return [*own, *rare, *SMALLER, *overrides]


def tiny(corpus_folder: Path, run: Path, *overrides: str) -> Config:
    """The tiny experiment on the embedded clips, reporting every step."""
    return load_config(HOUSE / "configs" / "tiny.toml", settings(corpus_folder, run, *overrides))


def trained(config: Config) -> Trainer:
    """A new run, trained to its end."""
    trainer = start(config)
    trainer.train(StopRequest())
    return trainer


def lines(run: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what depends on the clock."""
    read = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if "seconds" not in key and not key.startswith("time/")}
        for line in read
    ]


def command(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> int:
    """The exit code of train.py with these arguments."""
    monkeypatch.chdir(HOUSE)
    monkeypatch.setattr("sys.argv", ["train.py", *map(str, arguments)])
    return main()
