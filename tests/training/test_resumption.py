"""What may be otherwise when a run goes on, what that makes of it, and what a killed process left to be restored."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs import Config, InputError, load_config
from data.batch import Batch
from monitoring.best import Best
from tests.embedded import make_embedded_corpus
from tests.faults.tiny_runs import differing, lasting
from train import Trainer, main, resume, start
from training.interruption import StopRequest, listening_for_stop
from training.ranks import Ranks
from training.reporting import Reporter
from training.resumption import MAY_CHANGE, MAY_CHANGE_ANNOUNCED, read_stopped
from training.run_folder import RunFolder
from training.schedule import Epochs
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint
from voices.voice_file import load_voice

HOUSE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 clips of the embedded corpus: 10 to train on, in batches of 2."""
    root = make_embedded_corpus(tmp_path_factory.mktemp("corpora") / "embedded")
    rows = (root / "metadata.csv").read_text().splitlines()
    (root / "metadata.csv").write_text("\n".join(rows[:12]) + "\n")
    (root / "more.csv").write_text("\n".join(rows[:14]) + "\n")
    return root


def settings(corpus_folder: Path, run: Path, *overrides: str) -> list[str]:
    own = [f"data.root={corpus_folder}", f"data.cache={corpus_folder.parent / 'cache'}", f"run.dir={run}"]
    own += ["run.device=cpu", "data.validation_clips=2", "train.batch_size=2", "train.segment_samples=2048"]
    rare = ["train.validate_every=1000", "train.checkpoint_every=1000", "train.spoken_sentences=0"]
    return [*own, *rare, "train.report_every=1", *overrides]


def tiny(corpus_folder: Path, run: Path, *overrides: str) -> Config:
    return load_config(HOUSE / "configs" / "tiny.toml", settings(corpus_folder, run, *overrides))


@pytest.fixture(scope="module")
def stopped(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps, whose newest weights were best after the first."""
    run = tmp_path_factory.mktemp("runs") / "stopped"
    trainer = start(tiny(corpus_folder, run, "train.steps=3", "train.validate_every=1", "train.checkpoint_every=1"))
    scores = iter([9.0, 8.0, 5.0, 4.0, 6.0])
    validate = trainer.validation.validate
    trainer.validation.validate = lambda network: _scored(validate(network), next(scores, 9.0))  # type: ignore[method-assign, assignment]
    trainer.train(StopRequest())
    assert (trainer.best.step, trainer.best.weights) == (1, "newest")
    return run


def _scored(validated: Any, score: float) -> Any:
    validated.scalars["score"] = score
    return validated


def copied(run: Path, folder: Path) -> Path:
    shutil.copytree(run, folder)
    return folder


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.chdir(HOUSE)
    monkeypatch.setattr("sys.argv", ["train.py", *map(str, arguments)])
    return main()


# --------------------------------------------------------------------------------------------- other settings


@pytest.mark.parametrize(
    "override",
    [
        *("train.batch_size=1", "train.batch_size=auto", "train.batch_frames=500", "train.segments=2", "run.seed=7"),
        *("train.segment_samples=4096", "loss.mel=30.0", "train.adam_beta_1=0.7", "data.longest_seconds=5.0"),
        *("data.validation_clips=3", "data.metadata=more.csv", "data.level=rms"),
    ],
)
def test_what_is_not_of_the_weights_may_change_where_that_is_asked_for(stopped: Path, override: str) -> None:
    with pytest.raises(InputError, match=r"other settings \(.*go on as another run with --changed"):
        read_stopped(stopped, [override], processes=1)
    found = read_stopped(stopped, [override], processes=1, accept_changes=True)
    assert found.is_another
    assert override.partition("=")[0] in found.announcement()
    assert "this is another run from here on" in found.announcement()


@pytest.mark.parametrize(
    "override",
    [
        *("model.hidden_channels=64", "audio.sample_rate=16000", "audio.mel_bands=100", "discriminator.scales=2"),
        *("decoder.kind=vocos", "data.language=de", "data.front_end=graphemes"),
    ],
)
def test_what_the_weights_are_made_for_never_changes(stopped: Path, override: str) -> None:
    for accept in (False, True):
        with pytest.raises(InputError, match=r"was trained with other settings .*--warm-start"):
            read_stopped(stopped, [override], processes=1, accept_changes=accept)


def test_the_number_of_processes_may_change_where_that_is_asked_for(corpus_folder: Path, stopped: Path) -> None:
    with pytest.raises(InputError, match=r"trained by 1 processes, and these are 2.*--changed"):
        read_stopped(stopped, [], processes=2)
    found = read_stopped(stopped, [], processes=2, accept_changes=True)
    assert "processes: 1 -> 2" in found.announcement()
    second = resume(stopped, [], Ranks(1, 2), accept_changes=True)
    assert (second.step, second.epochs) == (3, Epochs(3, 3, 1))


def test_what_has_not_changed_is_the_same_run_whatever_was_asked_for(stopped: Path) -> None:
    found = read_stopped(stopped, ["train.steps=9"], processes=1, accept_changes=True)
    assert not found.is_another
    assert found.announcement() == ""


def test_a_smaller_batch_keeps_weights_optimizers_averages_and_step_and_begins_a_new_epoch(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(stopped, tmp_path / "run")
    rest = resume(run, ["train.batch_size=1", "train.steps=8"], accept_changes=True)
    assert "from step 3 on with train.batch_size: 2 -> 1: this is another run" in capsys.readouterr().out
    before, now = load_checkpoint(checkpoint_path(run / "checkpoints", 3)), rest.state_dict()
    for name in ("synthesizer", "discriminator", "average", "synthesizer_optimizer", "discriminator_optimizer", "best"):
        assert differing(before[name], now[name]) == []
    assert before["epochs"] == {"length": 5, "first_step": 0, "first_epoch": 0}
    assert (rest.step, rest.epoch, rest.epochs) == (3, 1, Epochs(10, 3, 1))
    assert len(next(rest.batches()).ids) == 1
    copied(run, tmp_path / "parts")
    rest.train(StopRequest())
    # From there on it is a run like any other: stopped and resumed, it is the same to the bit.
    resume(tmp_path / "parts", ["train.batch_size=1", "train.steps=5"], accept_changes=True).train(StopRequest())
    resume(tmp_path / "parts", ["train.steps=8"]).train(StopRequest())
    whole, parts = (load_checkpoint(checkpoint_path(each / "checkpoints", 8)) for each in (run, tmp_path / "parts"))
    assert differing(lasting(whole) | {"best": 0}, lasting(parts) | {"best": 0}) == []
    reported = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["schedule/epoch"] for line in reported if "schedule/epoch" in line] == [0, 0, 0, 1, 1, 1, 1, 1]


def test_added_recordings_are_another_run_and_not_refused(
    corpus_folder: Path,
    stopped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = copied(stopped, tmp_path / "run")
    other = copied(corpus_folder, tmp_path / "corpus")
    shutil.copy(other / "more.csv", other / "metadata.csv")
    assert command(monkeypatch, "--resume", run, f"data.root={other}", "train.steps=4") == 2
    assert "go on with these as another run (--changed)" in capsys.readouterr().err
    assert command(monkeypatch, "--resume", run, f"data.root={other}", "train.steps=4", "--changed") == 0
    output = capsys.readouterr().out
    assert "from step 3 on with other recordings or texts: this is another run" in output
    assert "finished at step 4 of 4" in output
    state = load_checkpoint(checkpoint_path(run / "checkpoints", 4))
    assert state["epochs"] == {"length": 6, "first_step": 3, "first_epoch": 1}
    assert command(monkeypatch, "--resume", run, "train.steps=5") == 0, "from here on it is these recordings' run"


def test_changed_without_a_run_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "configs/tiny.toml", "--changed") == 2
    assert "--changed continues a run" in capsys.readouterr().err


# ------------------------------------------------------------------------------------- the start command again


@pytest.mark.parametrize("by", ["option", "torchrun"])
def test_the_start_command_goes_on_with_its_own_run(
    corpus_folder: Path, stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], by: str,
) -> None:  # fmt: skip
    run = copied(stopped, tmp_path / "run")
    asked = ["configs/tiny.toml", *settings(corpus_folder, run, "train.validate_every=1", "train.checkpoint_every=1")]
    assert command(monkeypatch, *asked, "train.steps=4") == 2
    assert "holds a run at step 3: continue it with --resume" in capsys.readouterr().err
    if by == "torchrun":
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    again = ["--or-resume"] if by == "option" else []
    assert command(monkeypatch, *asked, *again, "train.steps=4", "train.batch_size=1") == 2
    assert "other settings (train.batch_size: 2 -> 1)" in capsys.readouterr().err
    assert command(monkeypatch, *asked, *again, "train.steps=4", "train.batch_size=auto") == 0
    assert "finished at step 4 of 4" in capsys.readouterr().out
    assert command(monkeypatch, *asked, *again, "train.steps=4") == 0
    assert "is at step 4 of 4" in capsys.readouterr().out


def test_the_start_command_begins_where_nothing_has_begun(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["configs/tiny.toml", *settings(corpus_folder, tmp_path / "run", "train.steps=1"), "--or-resume"]
    assert command(monkeypatch, *asked) == 0
    assert "finished at step 1 of 1" in capsys.readouterr().out


def test_another_whole_run_in_the_meantime_is_not_trained_over(
    corpus_folder: Path, stopped: Path, tmp_path: Path
) -> None:
    slow = start(tiny(corpus_folder, tmp_path / "new", "train.steps=2"))
    start(tiny(corpus_folder, tmp_path / "new", "train.steps=1")).train(StopRequest())
    run = copied(stopped, tmp_path / "old")
    late = resume(run, ["train.steps=5"])
    resume(run, ["train.steps=4"]).train(StopRequest())
    for trainer, folder, newest in ((slow, tmp_path / "new", 1), (late, run, 4)):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        with pytest.raises(InputError, match=f"another process has trained here to step {newest} while"):
            trainer.train(StopRequest())
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


# ---------------------------------------------------------------------------------- voices without checkpoints


def _delete(path: Path, _other: Path) -> None:
    path.unlink()


def _damage(path: Path, _other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _replace(path: Path, other: Path) -> None:
    shutil.copy(other, path)


@pytest.mark.parametrize("spoil", [_delete, _damage, _replace])
@pytest.mark.parametrize("finished", [False, True])
def test_voices_that_are_not_those_of_the_checkpoint_are_made_again(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, finished: bool
) -> None:
    run = copied(stopped, tmp_path / "run")
    names = ("voice.safetensors", "best.safetensors")
    for name, other in zip(names, reversed(names), strict=True):
        spoil(run / name, stopped / other)
    if finished:
        assert command(monkeypatch, "--resume", run) == 0
    else:
        resume(run, ["train.steps=4"]).restore_voices()
    after = {name: load_voice(run / name) for name in names}
    for name in names:
        weights = load_voice(stopped / name).synthesizer.state_dict()
        assert after[name].step == load_voice(stopped / name).step
        assert differing(weights, after[name].synthesizer.state_dict()) == []


def test_a_best_voice_that_cannot_be_found_again_is_not_named(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(stopped, tmp_path / "run")
    best = load_checkpoint(list_checkpoints(run / "checkpoints")[-1])["best"]["step"]
    (run / "best.safetensors").unlink()
    checkpoint_path(run / "checkpoints", best).unlink()
    monkeypatch.setattr(Reporter, "validate", lambda _self, _step, _averaged, _newest, best, _stop: best)
    assert command(monkeypatch, "--resume", run, "train.steps=4") == 0
    output = capsys.readouterr().out
    assert f"of step {best} is gone, and so is its checkpoint: the best is looked for anew" in output
    assert "best voice" not in output
    assert load_checkpoint(checkpoint_path(run / "checkpoints", 4))["best"]["step"] == 0


def test_a_process_that_dies_between_any_two_files_leaves_a_run_whose_files_belong_together(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    save = RunFolder.save_voice
    for survived in range(4):  # files written before the end
        run, written = tmp_path / str(survived), list[Path]()

        def dying(voices: RunFolder, path: Path, *rest: Any, written: list[Path] = written, survived: int = survived,
                  **named: Any) -> None:  # fmt: skip
            if len(written) == survived:
                raise Killed
            written.append(path)
            save(voices, path, *rest, **named)

        monkeypatch.setattr(RunFolder, "save_voice", dying)
        trainer = start(tiny(corpus_folder, run, "train.steps=3", "train.validate_every=1"))
        trainer.best = Best(0, 1e9)
        try:
            trainer.train(StopRequest())
        except Killed:
            monkeypatch.setattr(RunFolder, "save_voice", save)
            rest = resume(run, [])
            rest.restore_voices()
        monkeypatch.setattr(RunFolder, "save_voice", save)
        state = load_checkpoint(list_checkpoints(run / "checkpoints")[-1])
        assert load_voice(run / "voice.safetensors").step == state["step"]
        if state["best"]["step"]:
            assert load_voice(run / "best.safetensors").step == state["best"]["step"]


# ------------------------------------------------------------------------------ stopped or broken in the midst


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("at", [0, 2, 3])
def test_who_asks_to_stop_does_not_wait_for_a_validation_which_is_made_when_the_run_goes_on(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    every = ("train.steps=3", "train.validate_every=2")
    start(tiny(corpus_folder, tmp_path / "whole", *every)).train(StopRequest())
    trainer = start(tiny(corpus_folder, tmp_path / "parts", *every))
    sub_discriminator = trainer.validation.validate

    def asked_in_the_midst(network: Any) -> Any:
        if trainer.step == at:
            signal.raise_signal(signal.SIGHUP)
            raise AssertionError("the validation went on")
        return sub_discriminator(network)

    monkeypatch.setattr(trainer.validation, "validate", asked_in_the_midst)
    with listening_for_stop() as stop:
        trainer.train(stop)
    assert (trainer.step, trainer.finished) == (at, False)
    if at == 0:
        assert list_checkpoints(tmp_path / "parts" / "checkpoints") == []
        trainer = start(tiny(corpus_folder, tmp_path / "parts", *every))
    else:
        trainer = resume(tmp_path / "parts", [])
    trainer.train(StopRequest())
    assert trainer.finished
    ends = [load_checkpoint(checkpoint_path(tmp_path / run / "checkpoints", 3)) for run in ("whole", "parts")]
    assert differing(lasting(ends[0]), lasting(ends[1])) == []
    lines = [(tmp_path / run / "metrics.jsonl").read_text().splitlines() for run in ("whole", "parts")]
    whole, parts = ([(line["step"], line.get("validation/score")) for line in map(json.loads, each)] for each in lines)
    assert whole == parts


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
    trainer = start(tiny(corpus_folder, run, "train.steps=5"))
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
    trainer = start(tiny(corpus_folder, run, "train.steps=5", "train.checkpoint_every=1"))
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


def test_every_setting_that_may_change_is_a_setting() -> None:
    sections = {name: field.annotation for name, field in Config.model_fields.items()}
    for key in (*MAY_CHANGE, *MAY_CHANGE_ANNOUNCED):
        section, _, name = key.partition(".")
        fields = getattr(sections[section], "model_fields", {})
        assert name in fields, key
    assert "train.accumulate" in MAY_CHANGE_ANNOUNCED
