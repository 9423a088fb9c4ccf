"""A run that is stopped in a validation, loses its folder or fills its disk is saved where it can be, and goes on."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs import InputError
from data.batch import Batch
from tests.faults.tiny_runs import differing, lasting
from tests.short_runs import SMALL, tiny
from train import Trainer, resume, start
from training.interruption import StopRequest, listening_for_stop
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint
from voices.voice_file import load_voice

EVERY = (*SMALL, "train.steps=3", "train.validate_every=2")


@pytest.fixture(scope="module")
def whole(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never asked to stop."""
    run = tmp_path_factory.mktemp("whole") / "run"
    start(tiny(corpus_folder, run, *EVERY)).train(StopRequest())
    return run


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("at", [0, 2, 3])
def test_who_asks_to_stop_does_not_wait_for_a_validation_which_is_made_when_the_run_goes_on(
    corpus_folder: Path, tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    parts = tmp_path / "parts"
    trainer = start(tiny(corpus_folder, parts, *EVERY))
    validate = trainer.validation.validate

    def asked_in_the_midst(network: Any) -> Any:
        if trainer.step == at:
            signal.raise_signal(signal.SIGHUP)
            raise AssertionError("the validation went on")
        return validate(network)

    monkeypatch.setattr(trainer.validation, "validate", asked_in_the_midst)
    with listening_for_stop() as stop:
        trainer.train(stop)
    assert (trainer.step, trainer.finished) == (at, False)
    if at == 0:
        assert list_checkpoints(parts / "checkpoints") == []
        trainer = start(tiny(corpus_folder, parts, *EVERY))
    else:
        trainer = resume(parts, [])
    trainer.train(StopRequest())
    assert trainer.finished
    ends = [load_checkpoint(checkpoint_path(run / "checkpoints", 3)) for run in (whole, parts)]
    assert differing(lasting(ends[0]), lasting(ends[1])) == []
    lines = [(run / "metrics.jsonl").read_text().splitlines() for run in (whole, parts)]
    scores = [[(line["step"], line.get("validation/score")) for line in map(json.loads, each)] for each in lines]
    assert scores[0] == scores[1]


def breaking(trainer: Trainer, after: int, what: Any) -> Iterator[Batch]:
    """The batches of a run, in whose midst something happens."""
    for batch in Trainer.batches(trainer):
        if trainer.step == after:
            what()
        yield batch


@pytest.mark.parametrize("what", ["deleted", "moved"])
def test_a_run_whose_folder_is_gone_is_saved_where_it_can_be(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved"
    trainer = start(tiny(corpus_folder, run, *SMALL, "train.steps=5"))
    happens = (lambda: shutil.rmtree(run)) if what == "deleted" else (lambda: run.rename(moved))
    monkeypatch.setattr(trainer, "batches", lambda: breaking(trainer, 2, happens))
    with pytest.raises(
        InputError, match="run: was deleted or moved while training went on; the run is saved at step 3"
    ):
        trainer.train(StopRequest())
    assert "Traceback" not in capfd.readouterr().err
    place = moved if what == "moved" and Path("/proc/self/fd").exists() else run
    assert run.exists() == (place == run)
    rest = resume(place, [])
    rest.train(StopRequest())
    assert (rest.step, load_voice(place / "voice.safetensors").step) == (5, 5)


@pytest.mark.parametrize("where", ["in the run folder", "everywhere"])
@pytest.mark.parametrize("what", ["the journal", "a checkpoint"])
def test_on_a_full_disk_the_last_checkpoint_stays_and_the_run_is_saved_where_it_can_be(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, where: str
) -> None:
    run, temporary = tmp_path / "run", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    trainer = start(tiny(corpus_folder, run, *SMALL, "train.steps=5", "train.checkpoint_every=1"))
    replace = Path.replace

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    def fill() -> None:
        def replace_elsewhere(path: Path, target: Path) -> Path:
            if where == "everywhere" or path.is_relative_to(run):
                full()
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", replace_elsewhere)
        if what == "the journal":
            monkeypatch.setattr("training.metrics_logger.EventFile.add", full)

    monkeypatch.setattr(trainer, "batches", lambda: breaking(trainer, 2, fill))
    with pytest.raises(InputError, match=r"00000003\.pt: cannot be written \(No space left on device\)") as refusal:
        trainer.train(StopRequest())
    monkeypatch.undo()
    told = str(refusal.value)
    assert told.startswith(f"{run}: cannot be written (No space left on device), and ") == (what == "the journal")
    assert [int(path.stem) for path in list_checkpoints(run / "checkpoints")] == [1, 2]
    assert resume(run, []).step == 2
    assert list(tmp_path.rglob("*.unfinished")) == []
    saved = list(temporary.iterdir())
    assert len(saved) == (where == "in the run folder")
    for folder in saved:
        assert f"the run is saved at step 3 in {folder}" in told
        assert resume(folder, []).step == 3
