"""A run that stops and resumes is the run that never stopped, and what would make it another is refused."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from configs import InputError
from tests.faults.tiny_runs import differing
from tests.short_runs import lines, tiny, trained
from train import Trainer, resume, start
from training.interruption import StopRequest
from voices.checkpoint import load_checkpoint


@pytest.fixture(scope="module")
def stopped(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step, which no test changes."""
    run = tmp_path_factory.mktemp("runs") / "stopped"
    trained(tiny(corpus_folder, run, "train.steps=1"))
    return run


def test_seven_steps_and_five_more_are_twelve_steps_to_the_bit(corpus_folder: Path, tmp_path: Path) -> None:
    # 20 clips in batches of 4 are 5 steps an epoch: both the stop at 7 and the end at 12 lie inside an epoch.
    stochastic = "model.duration_predictor=stochastic"  # which draws noise of its own
    whole = trained(tiny(corpus_folder, tmp_path / "whole", "train.steps=12", stochastic))
    trained(tiny(corpus_folder, tmp_path / "parts", "train.steps=7", stochastic))
    torch.manual_seed(987)  # whatever happens in between
    rest = resume(tmp_path / "parts", ["train.steps=12"])
    assert rest.step == 7
    rest.train(StopRequest())

    ends = [load_checkpoint(tmp_path / run / "checkpoints" / "00000012.pt") for run in ("whole", "parts")]
    for state in ends:
        state.pop("seconds")
        state["config"]["run"].pop("dir")
    # Both runs validate at their end; only the run in parts did so at step 7 as well, which must change nothing.
    assert {key for key in ends[0] if differing(ends[0][key], ends[1][key])} <= {"best"}
    losses = [[line for line in lines(tmp_path / run) if "loss/generator/mel" in line] for run in ("whole", "parts")]
    assert [line["step"] for line in losses[0]] == list(range(1, 13))
    assert losses[0] == losses[1]
    assert whole.step == rest.step == 12


def test_a_run_stopped_between_reports_reports_the_same_means(corpus_folder: Path, tmp_path: Path) -> None:
    every_four = ("train.report_every=4", "train.steps=8")
    trained(tiny(corpus_folder, tmp_path / "whole", *every_four))
    stopped = start(tiny(corpus_folder, tmp_path / "parts", *every_four))
    batches = stopped.batches()
    stop = StopRequest()

    def stop_in_the_sixth(trainer: Trainer = stopped) -> Any:
        for batch in batches:
            stop.signal_number = signal.SIGINT if trainer.step == 5 else None
            yield batch

    stopped.batches = stop_in_the_sixth  # type: ignore[method-assign]
    stopped.train(stop)
    assert stopped.step == 6
    resume(tmp_path / "parts", []).train(StopRequest())
    reports = [[line for line in lines(tmp_path / run) if "loss/generator/mel" in line] for run in ("whole", "parts")]
    assert [line["step"] for line in reports[0]] == [4, 8]
    assert reports[0] == reports[1]


def test_what_a_killed_run_wrote_after_its_checkpoint_is_written_once(corpus_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained(tiny(corpus_folder, run, "train.steps=3"))
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "seconds": 1, "loss/generator/mel": 9.0}\n{"step": 5, "sec')
    resume(run, ["train.steps=5"]).train(StopRequest())
    steps = [line["step"] for line in lines(run) if "loss/generator/mel" in line]
    assert steps == [1, 2, 3, 4, 5]
    assert 9.0 not in [line.get("loss/generator/mel") for line in lines(run)]


def test_a_second_process_in_the_same_folder_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    first, second = (start(tiny(corpus_folder, tmp_path / "run", "train.steps=2")) for _ in range(2))
    batches = first.batches()

    def and_another() -> Any:
        for batch in batches:
            before = (tmp_path / "run" / "metrics.jsonl").read_text()
            with pytest.raises(InputError, match=r"another process is training here"):
                second.train(StopRequest())
            assert (tmp_path / "run" / "metrics.jsonl").read_text() == before
            yield batch

    first.batches = and_another  # type: ignore[method-assign]
    first.train(StopRequest())
    assert first.step == 2


def test_a_refused_resume_leaves_the_settings_as_they_were(stopped: Path) -> None:
    before = (stopped / "config.toml").read_text()
    with pytest.raises(InputError, match=r"the device 'warp' cannot be used"):
        resume(stopped, ["run.device=warp"])
    assert (stopped / "config.toml").read_text() == before


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.hidden_channels=64", "model.hidden_channels: 16 -> 64"),
        ("train.batch_size=3", "train.batch_size: 4 -> 3"),
        ("data.language=de", "data.language: 'en-us' -> 'de'"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_with_what_differs(stopped: Path, override: str, told: str) -> None:
    before = (stopped / "config.toml").read_bytes()
    with pytest.raises(InputError, match="was trained with other settings") as refusal:
        resume(stopped, [override])
    assert told in str(refusal.value)
    assert (stopped / "config.toml").read_bytes() == before


def test_a_run_goes_on_with_another_learning_rate_and_says_so(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    rest = resume(tmp_path / "run", ["train.steps=2", "train.learning_rate=1e-5", "train.precision=fp16"])
    assert "from step 1 on with train.learning_rate: 0.0002 -> 1e-05" in capsys.readouterr().out
    rest.train(StopRequest())
    assert lines(tmp_path / "run")[-2]["schedule/learning_rate"] == pytest.approx(1e-5)


def test_a_checkpoint_of_other_recordings_is_refused(corpus_folder: Path, stopped: Path, tmp_path: Path) -> None:
    other = tmp_path / "corpus"
    other.mkdir()
    (other / "wavs").symlink_to(corpus_folder / "wavs")
    rows = (corpus_folder / "metadata.csv").read_text().splitlines()
    (other / "metadata.csv").write_text("\n".join(rows[1:]))
    with pytest.raises(InputError, match=r"not those that .* was trained on"):
        resume(stopped, [f"data.root={other}"])


def test_a_folder_that_holds_a_run_is_not_trained_over(corpus_folder: Path, stopped: Path) -> None:
    with pytest.raises(InputError, match="holds a run at step 1: continue it with --resume"):
        start(tiny(corpus_folder, stopped))
