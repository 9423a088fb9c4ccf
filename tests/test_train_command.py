"""The command of train.py: what it refuses in a sentence, what it tells, and what a signal leaves."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.one_sentence import one_sentence
from tests.short_runs import HOUSE, lines
from train import main
from voices.checkpoint import list_checkpoints, load_checkpoint


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["configs/tiny.toml", "data.root=NOWHERE"], "NOWHERE: there is no such folder"),
        (["configs/absent.toml"], "absent.toml: there is no such settings file"),
        (["configs/tiny.toml", "train.batchsize=3"], "nearest one is train.batch_size"),
        (["data.root=LJSpeech-1.1"], "which experiment?"),
        ([], "which experiment?"),
        (["--resume", "EMPTY"], "no checkpoint in it to resume from"),
        (["--resume", "NOWHERE"], "there is no such run folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(
    tmp_path: Path,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(HOUSE)
    argv = [word.replace("EMPTY", str(tmp_path)) for word in arguments]
    monkeypatch.setattr("sys.argv", ["train.py", *argv])
    assert told in one_sentence(main(), capsys)


def test_bad_recordings_are_refused_before_anything_is_written(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (corpus_folder / "metadata.csv").read_text().splitlines()
    other = tmp_path / "corpus"
    shutil.copytree(corpus_folder / "wavs", other / "wavs")  # data.strict refuses links that lead out of the corpus
    (other / "metadata.csv").write_text("\n".join([*rows, "gone|A text.|A text.", "embedded-050||"]))
    settings = [str(HOUSE / "configs" / "tiny.toml"), f"data.root={other}", f"data.cache={tmp_path / 'cache'}"]
    settings += [f"run.dir={tmp_path / 'run'}", "data.validation_clips=2"]
    monkeypatch.setattr("sys.argv", ["train.py", *settings, "data.strict=true"])
    assert main() == 2
    output, errors = capsys.readouterr()
    for told in ("missing file", "empty text", "(line 23)", "report.html"):
        assert told in output
    assert "2 faults, and data.strict refuses them all" in errors
    assert errors.count("\n") == 1
    (other / "metadata.csv").write_text("gone|A text.|A text.")
    monkeypatch.setattr("sys.argv", ["train.py", *settings])
    assert main() == 2
    assert "none of 1 rows can be used" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_rows_that_cannot_be_used_are_told_and_left_out_and_the_run_goes_on(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (corpus_folder / "metadata.csv").read_text().splitlines()
    other = tmp_path / "corpus"
    shutil.copytree(corpus_folder / "wavs", other / "wavs")
    audio, rate = soundfile.read(other / "wavs" / "embedded-001.wav")
    soundfile.write(other / "wavs" / "embedded-001.wav", np.stack((audio, audio), axis=1), 2 * rate)
    (other / "wavs" / "embedded-002.wav").write_text("not a recording")
    (other / "metadata.csv").write_text("\n".join([*rows, "gone|A text.|A text."]))
    settings = [f"data.root={other}", f"data.cache={tmp_path / 'cache'}", f"run.dir={tmp_path / 'run'}"]
    settings += ["data.validation_clips=2", "train.steps=1", "data.characters_per_second=[4, 60]"]
    monkeypatch.setattr("sys.argv", ["train.py", str(HOUSE / "configs" / "tiny.toml"), *settings])
    assert main() == 0
    output = capsys.readouterr().out
    for told in ("missing file", "garbage", "stereo", "other sample rate"):
        assert told in output
    assert load_checkpoint(tmp_path / "run" / "checkpoints" / "00000001.pt")["step"] == 1


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_says_so_and_loses_no_step(
    corpus_folder: Path, tmp_path: Path, number: signal.Signals, forked: dict[str, str]
) -> None:
    run = tmp_path / "run"
    settings = ["configs/tiny.toml", f"data.root={corpus_folder}", f"run.dir={run}", "data.validation_clips=2"]
    settings.append(f"data.cache={tmp_path / 'cache'}")
    python = sys.executable if number == signal.SIGTERM else forked["PYTHON_EXEC"]  # one with its own way to its end
    process = subprocess.Popen(
        [python, "train.py", *settings, "train.report_every=1", "train.spoken_sentences=0"],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 600
    while "loss/generator/mel" not in ((run / "metrics.jsonl").read_text() if (run / "metrics.jsonl").exists() else ""):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 128 + number, errors
    assert "stopping after this step, to save it" in errors
    assert "stopped and saved at step" in output
    assert f"python train.py --resume {run}" in output
    last = max(line["step"] for line in lines(run))
    assert [int(path.stem) for path in list_checkpoints(run / "checkpoints")] == [last]
