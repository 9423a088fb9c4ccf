"""What may be otherwise when a run goes on, what that makes of it, and what a killed process left to be restored."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from configs import Config, InputError
from monitoring.best import Best
from tests.faults.tiny_runs import differing, lasting
from tests.short_runs import SMALL, command, settings, tiny
from train import resume, start
from training.interruption import StopRequest
from training.ranks import Ranks
from training.reporting import Reporter
from training.resumption import MAY_CHANGE, MAY_CHANGE_ANNOUNCED, read_stopped
from training.run_folder import RunFolder
from training.schedule import Epochs
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint
from voices.voice_file import load_voice


@pytest.fixture(scope="module")
def stopped(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps, whose newest weights were best after the first."""
    run = tmp_path_factory.mktemp("runs") / "stopped"
    trainer = start(
        tiny(corpus_folder, run, *SMALL, "train.steps=3", "train.validate_every=1", "train.checkpoint_every=1")
    )
    scores = iter([9.0, 8.0, 5.0, 4.0, 6.0])
    validate = trainer.validation.validate
    trainer.validation.validate = lambda network: _scored(validate(network), next(scores, 9.0))  # type: ignore[method-assign, assignment]
    trainer.train(StopRequest())
    assert (trainer.best.step, trainer.best.weights) == (1, "newest")
    return run


def _scored(validated: Any, score: float) -> Any:
    validated.scalars["score"] = score
    return validated


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
    run = shutil.copytree(stopped, tmp_path / "run")
    rest = resume(run, ["train.batch_size=1", "train.steps=8"], accept_changes=True)
    assert "from step 3 on with train.batch_size: 2 -> 1: this is another run" in capsys.readouterr().out
    before, now = load_checkpoint(checkpoint_path(run / "checkpoints", 3)), rest.state_dict()
    for name in ("synthesizer", "discriminator", "average", "synthesizer_optimizer", "discriminator_optimizer", "best"):
        assert differing(before[name], now[name]) == []
    assert before["epochs"] == {"length": 5, "first_step": 0, "first_epoch": 0}
    assert (rest.step, rest.epoch, rest.epochs) == (3, 1, Epochs(10, 3, 1))
    assert len(next(rest.batches()).ids) == 1
    shutil.copytree(run, tmp_path / "parts")
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
    run = shutil.copytree(stopped, tmp_path / "run")
    other = shutil.copytree(corpus_folder, tmp_path / "corpus")
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
    run = shutil.copytree(stopped, tmp_path / "run")
    asked = [
        "configs/tiny.toml",
        *settings(corpus_folder, run, *SMALL, "train.validate_every=1", "train.checkpoint_every=1"),
    ]
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
    asked = ["configs/tiny.toml", *settings(corpus_folder, tmp_path / "run", *SMALL, "train.steps=1"), "--or-resume"]
    assert command(monkeypatch, *asked) == 0
    assert "finished at step 1 of 1" in capsys.readouterr().out


def test_another_whole_run_in_the_meantime_is_not_trained_over(
    corpus_folder: Path, stopped: Path, tmp_path: Path
) -> None:
    slow = start(tiny(corpus_folder, tmp_path / "new", *SMALL, "train.steps=2"))
    start(tiny(corpus_folder, tmp_path / "new", *SMALL, "train.steps=1")).train(StopRequest())
    run = shutil.copytree(stopped, tmp_path / "old")
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
    run = shutil.copytree(stopped, tmp_path / "run")
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
    run = shutil.copytree(stopped, tmp_path / "run")
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
        trainer = start(tiny(corpus_folder, run, *SMALL, "train.steps=3", "train.validate_every=1"))
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


def test_every_setting_that_may_change_is_a_setting() -> None:
    sections = {name: field.annotation for name, field in Config.model_fields.items()}
    for key in (*MAY_CHANGE, *MAY_CHANGE_ANNOUNCED):
        section, _, name = key.partition(".")
        fields = getattr(sections[section], "model_fields", {})
        assert name in fields, key
    assert "train.accumulate" in MAY_CHANGE_ANNOUNCED
