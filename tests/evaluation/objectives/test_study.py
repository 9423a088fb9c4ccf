"""Whole studies on a dozen machine-read clips: budget, divergence, mistakes, and a study that is killed and goes on."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from configs import dump_config
from evaluation.objectives.__main__ import main
from evaluation.objectives.arm import read_arms
from evaluation.objectives.command_line import read_arguments
from tests.faults.tiny_runs import HOUSE, tiny_corpus

ARMS = "least_squares,critic:wasserstein+loss.feature_matching=0"
PYTHON, TINY = sys.executable, str(HOUSE / "configs" / "tiny.toml")
CLOCK = ("cost", "processor_seconds_per_step", "seconds_per_step")  # what depends on the machine

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [*tiny_corpus(tmp_path_factory.mktemp("tiny")), "run.threads=1"]


@pytest.fixture(scope="module")
def python(forked: dict[str, str]) -> str:
    """A python for the runs that starts at once."""
    return forked["PYTHON_EXEC"]


@pytest.fixture
def run_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str], python: str) -> Run:
    """Runs the command in a folder of its own, and reads its study.json."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", python)

    def run(*options: str) -> dict[str, Any]:
        monkeypatch.setattr("sys.argv", ["objectives", *settings, *_options(*options)])
        assert main() == 0
        return read_study(tmp_path)

    return run


def _options(*options: str) -> list[str]:
    return ["--sentences", "2", "--no-recogniser", "-o", "study", *options]


def read_study(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "study" / "study.json").read_text(encoding="utf-8"))
    return found


def lasting(found: Any) -> Any:
    """A study without what depends on the clock; sentences about cost included."""
    if isinstance(found, dict):
        return {key: lasting(value) for key, value in found.items() if key not in CLOCK}
    if isinstance(found, list):
        return [lasting(one) for one in found if not (isinstance(one, str) and one.startswith("A step took"))]
    return found


def trains_in(folder: Path) -> bool:
    """Whether a train.py is at work in a folder."""
    found = (process.info for process in psutil.process_iter(["cwd", "cmdline"]))
    return any(one["cwd"] == str(folder) and any("train.py" in word for word in one["cmdline"] or ()) for one in found)


@pytest.mark.slow
def test_a_study_that_is_killed_goes_on_to_the_same_results_as_one_that_is_not(
    run_study: Run,
    tmp_path: Path,
    settings: list[str],
    python: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("--objectives", ARMS, "--seeds", "1", "--steps", "3")
    uncut = run_study(*asked)
    assert [run["ended"] for run in uncut["runs"]] == ["finished"] * 2
    assert {run["step"] for run in uncut["runs"]} == {3}
    updates = {run["objective"]: run["cost"]["discriminator_updates"] for run in uncut["runs"]}
    assert updates == {"least_squares": 3, "critic": 15}  # five for each of the generator
    assert all(run["cost"]["processor_seconds"] > 0 for run in uncut["runs"])

    cut = tmp_path / "cut"
    cut.mkdir()
    # The study is a process of its own, to be killed, and so is each run that it starts.
    module = "runpy.run_module('evaluation.objectives', run_name='__main__', alter_sys=True)"
    forking = f"import runpy, sys; sys.path.insert(0, {str(HOUSE)!r}); sys.executable = {python!r}; {module}"
    command = [python, "-c", forking, *settings, *_options(*asked)]
    with (cut / "log").open("wb") as log:
        study = subprocess.Popen(command, cwd=cut, stdout=log, stderr=log)
        second = cut / "study" / "logs" / "critic-1.log"
        patience = time.monotonic() + 300
        while not second.is_file() and study.poll() is None and time.monotonic() < patience:
            time.sleep(0.1)
        assert study.poll() is None, (cut / "log").read_text()
        left_behind = trains_in(cut)
        study.kill()
        study.wait()
    assert not (cut / "study" / "study.json").exists()
    before = (cut / "study" / "runs" / "least_squares-1" / "checkpoints" / "00000003.pt").stat().st_mtime_ns
    monkeypatch.chdir(cut)
    capsys.readouterr()
    assert main() == 0
    said = capsys.readouterr().out
    assert "had ended before" in said
    if left_behind and sys.platform == "linux":
        assert "waiting for its end" in said  # a run went on without its study
    after = (cut / "study" / "runs" / "least_squares-1" / "checkpoints" / "00000003.pt").stat().st_mtime_ns
    assert after == before
    assert lasting(read_study(cut)) == lasting(uncut)

    evaluated = cut / "study" / "runs" / "critic-1" / "evaluation.json"
    measured = evaluated.stat().st_mtime_ns
    assert main() == 0  # once more: nothing is left to do
    assert evaluated.stat().st_mtime_ns == measured
    assert lasting(read_study(cut)) == lasting(uncut)


@pytest.mark.slow
def test_a_run_that_diverges_is_a_result_with_its_step_and_the_sentence_of_the_trainer(
    run_study: Run, tmp_path: Path
) -> None:
    wild = "wild:least_squares+train.learning_rate=100+train.weight_decay=0"
    found = run_study("--objectives", wild, "--seeds", "1", "--steps", "80")
    (run,) = found["runs"]
    assert run["ended"] == "diverged"
    assert run["why"].startswith(f"training diverged before step {run['step']}: ")
    assert run["why"] in (tmp_path / "study" / "logs" / "wild-1.log").read_text()
    assert f"wild diverged in 1 of 1 run: seed 1 before step {run['step']}." in found["conclusion"]
    page = (tmp_path / "study" / "index.html").read_text(encoding="utf-8")
    assert "No run gave a voice" in page
    assert run["why"].partition(";")[0] in page


@pytest.mark.slow
def test_a_budget_of_seconds_ends_a_run_once_it_has_had_them(run_study: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", PYTHON)  # a fork has no interpreter to take down while threads are at work
    found = run_study("--objectives", "least_squares", "--seeds", "1", "--seconds", "1.5")
    (run,) = found["runs"]
    assert run["ended"] == "finished"
    assert run["cost"]["processor_seconds"] >= 1.5
    assert run["step"] > 1
    assert run["metrics"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--objectives", "least_square"], "'least_square' is not an objective; the nearest one is least_squares"),
        (["--objectives", "least_squares,least_squares"], "least_squares is given twice"),
        (["--objectives", "least_squares+data.root=x"], "sets data.root, which is the same for all runs"),
        (["--objectives", "least_squares+train.steps=9"], "sets train.steps, which is the same for all runs"),
        (["--objectives", "least_squares+loss.mell=9"], "loss.mell is not a setting; the nearest one is loss.mel"),
        (["--seconds", "3"], "Give --steps N or --seconds S, and not both"),
        (["--seeds", "0"], "--seeds 0: give 1 or more"),
        (["run.seed=4"], "run.seed=4: a study sets that itself"),
        (["-o", "{file}"], "{file}: is a file: name a folder with -o"),
        (["--asr", "no_such_module:x"], "--asr no_such_module:x: ModuleNotFoundError"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    options: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    given = ["--steps", "3", "-o", str(tmp_path / "study"), *(one.format(file=tmp_path / "file") for one in options)]
    monkeypatch.setattr("sys.argv", ["objectives", TINY, *given])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert told.format(file=tmp_path / "file") in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("budget", [[], ["--seconds", "-1"], ["--seconds", "nan"], ["--steps", "0"]])
def test_a_study_without_a_budget_is_refused(
    budget: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["objectives", TINY, *budget])
    assert main() == 2
    assert "--steps" in (error := capsys.readouterr().err) or "--seconds" in error


def test_a_folder_of_other_settings_is_refused_with_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv",
        ["objectives", str(HOUSE / "configs" / "tiny.toml"), "--steps", "3", "--seeds", "1", "-o", str(tmp_path)],
    )
    run = read_arguments().runs[0]
    run.folder.mkdir(parents=True)
    changed = run.config.model_copy(update={"loss": run.config.loss.model_copy(update={"kl": 2.5})})
    (run.folder / "config.toml").write_text(dump_config(changed))
    assert main() == 2
    assert f"{run.folder} was begun with other settings (loss.kl: 2.5 -> 1.0)" in capsys.readouterr().err


def test_arms_have_settings_names_and_folders_of_their_own() -> None:
    plain, list_of, named, long = read_arms(
        "least_squares, least_squares+train.learning_rate=1e+5+discriminator.periods=[2, 3],"
        f"a/b: least_squares+loss.kl=2,{'x' * 200}:least_squares"
    )
    assert (plain.name, plain.overrides, plain.folder_name) == ("least_squares", (), "least_squares")
    assert list_of.overrides == ("train.learning_rate=1e+5", "discriminator.periods=[2, 3]")
    assert (named.name, named.objective, named.overrides) == ("a/b", "least_squares", ("loss.kl=2",))
    folders = [arm.folder_name for arm in (plain, list_of, named, long)]
    assert all("/" not in name and len(name) < 100 for name in folders)
    assert read_arms("a_b:least_squares")[0].folder_name != named.folder_name
