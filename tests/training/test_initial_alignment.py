"""Monophones align the first steps of a run and no other."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from configs import Config, load_config
from models.alignment import search_durations
from tests.faults.tiny_runs import differing, lasting, tiny_corpus
from train import Trainer, resume, start
from training.interruption import StopRequest
from voices.checkpoint import checkpoint_path, load_checkpoint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return tiny_corpus(tmp_path_factory.mktemp("corpora"))


def settings(tiny: list[str], run: Path, *overrides: str) -> Config:
    file, *own = tiny
    return load_config(file, [*own, f"run.dir={run}", "train.initial_alignment_steps=2", *overrides])


def searched(trainer: Trainer, steps: int, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the synthesizer searched an alignment of its own, for each step."""
    search = Mock(side_effect=search_durations)
    monkeypatch.setattr("models.synthesizer.search_durations", search)
    found = []
    trainer.initial_alignment.fit(0, trainer.batch)
    for batch, _ in zip(trainer.batches(), range(steps), strict=False):
        search.reset_mock()
        trainer.run_step(batch)
        trainer.step += 1
        found.append(search.called)
    return found


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_synthesizer_aligns_itself_from_the_step_on(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    trainer = start(settings(tiny, tmp_path / "run", f"train.accumulate={accumulate}"))
    assert searched(trainer, 4, monkeypatch) == [False, False, True, True]


def test_a_run_that_is_resumed_while_monophones_align_is_the_same_to_the_bit(tiny: list[str], tmp_path: Path) -> None:
    start(settings(tiny, tmp_path / "whole", "train.steps=3")).train(StopRequest())
    start(settings(tiny, tmp_path / "parts", "train.steps=1")).train(StopRequest())
    resume(tmp_path / "parts", ["train.steps=3"]).train(StopRequest())
    ends = (load_checkpoint(checkpoint_path(tmp_path / run / "checkpoints", 3)) for run in ("whole", "parts"))
    # The parts were validated where they were stopped, and know of that.
    whole, parts = (lasting(each) | {"best": 0} for each in ends)
    assert whole["monophones"]["log_std"].any()
    assert differing(whole, parts) == []
