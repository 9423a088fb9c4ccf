"""What a run tells can be read where it is told: in its folder, in TensorBoard, on the terminal."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tqdm import tqdm

from configs import load_config
from data.clips import Clip
from data.corpus import Corpus
from monitoring.best import Best
from monitoring.diagnosis import Finding
from monitoring.page.samples import read_samples
from text import SymbolTable
from train import Trainer
from training import reporting
from training.interruption import StopRequest
from training.metrics_logger import MetricsLogger
from training.reporting import Clock, Reporter, evaluating

HOUSE = Path(__file__).resolve().parents[2]
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, **{chr(97 + place): 3 + place for place in range(20)}})


def trainer(folder: Path, *overrides: str) -> Trainer:
    random = np.random.default_rng(3)
    clips = [
        Clip(
            f"speaker/c{number}",
            f"Text {number}.",
            random.integers(0, 22, 12),
            random.normal(scale=3000, size=256 * 60).astype(np.int16),
            0,
        )
        for number in range(3)
    ]
    settings = (f"run.dir={folder}", "train.spoken_sentences=1", "train.batch_size=2", "train.report_every=1")
    config = load_config(HOUSE / "configs" / "tiny.toml", [*settings, *overrides])
    return Trainer(config, Corpus(clips, clips[:2], SYMBOLS, (), None, "made up"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step, which validates before and after it."""
    folder = tmp_path_factory.mktemp("reporting") / "run"
    trainer(folder, "train.steps=1", "train.histograms=true").train(StopRequest())
    return folder


@pytest.fixture(scope="module")
def board(run: Path) -> EventAccumulator:
    """TensorBoard's own reading of it."""
    board = EventAccumulator(str(run), size_guidance={"images": 0, "audio": 0, "tensors": 0, "scalars": 0})
    board.Reload()
    return board


def test_tensorboard_has_every_scalar_of_the_file_in_a_few_groups(run: Path, board: EventAccumulator) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for name in {name for line in lines for name in line} - {"step", "seconds"}:
        written = [(line["step"], math.nan if line[name] is None else line[name]) for line in lines if name in line]
        read = [(event.step, event.value) for event in board.Scalars(name)]
        assert read == [(step, pytest.approx(value, nan_ok=True)) for step, value in written]
    groups = {name.partition("/")[0] for name in board.Tags()["scalars"]}
    assert groups == {
        *("schedule", "throughput", "time", "loss", "weighted_loss", "discriminator_accuracy"),
        *("gradient_norm", "gradient_norm_max", "output_gradient_norm", "skipped_updates"),
        *("validation", "validation_newest"),
    }


def test_sentences_are_spoken_each_time_and_the_recording_is_there_once(run: Path, board: EventAccumulator) -> None:
    assert [event.step for event in board.Audio("synthesis/speaker/c0")] == [0, 1]
    assert [event.step for event in board.Audio("recorded/speaker/c0")] == [0]
    assert {event.step for event in board.Images("mel/speaker/c0")} == {0, 1}
    assert {event.step for event in board.Images("alignment/speaker/c0")} == {0, 1}
    [sentence] = read_samples(run).sentences
    assert (sentence.id, sentence.text) == ("speaker_c0", "Text 0.")
    assert sentence.recorded
    assert set(sentence.spoken) == {0, 1}


def test_weights_are_drawn_where_they_were_asked_for(board: EventAccumulator, tmp_path: Path) -> None:
    assert "weights/text_encoder.embedding.weight" in board.Tags()["histograms"]
    plain = tmp_path / "plain"
    trainer(plain, "train.steps=1").train(StopRequest())
    assert EventAccumulator(str(plain)).Reload().Tags()["histograms"] == []


def test_the_diagnosis_and_the_settings_are_there(board: EventAccumulator) -> None:
    [last] = board.Tensors("diagnosis/text_summary")[-1:]
    assert last.step == 1
    assert b"outlook" in last.tensor_proto.string_val[0]
    settings = board.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"train.learning_rate" in settings
    assert b"decoder.kind" in settings
    assert b"validation/score" in board.summary_metadata["_hparams_/experiment"].plugin_data.content


def test_a_problem_is_told_once_on_the_terminal(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [Finding("kl_exploding", "problem", "It explodes."), Finding("outlook", "notice", "Stop.")]
    monkeypatch.setattr(reporting, "diagnose", lambda _: findings)
    (tmp_path / "metrics.jsonl").write_text((run / "metrics.jsonl").read_text())
    made = trainer(tmp_path / "other")
    journal = MetricsLogger(tmp_path, step=2)
    reporter = Reporter(made.config, made.corpus, journal, made.validation, made.clock)
    with tqdm(disable=True) as bar:
        assert reporter.diagnose(3, bar) == reporter.diagnose(4, bar) == findings
    journal.close()
    assert capsys.readouterr().out == "problem at step 3 (kl_exploding): It explodes.\n"


def test_a_network_is_back_in_training_after_it_was_validated(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    with evaluating(made.synthesizer), evaluating(made.ema):
        assert not made.synthesizer.training
        assert not made.synthesizer.text_encoder.training
    assert made.synthesizer.training
    assert made.synthesizer.text_encoder.training
    assert not made.ema.training


@pytest.mark.parametrize("part", ["decoder", "text_encoder", "flow", "duration_predictor", "posterior_encoder"])
@pytest.mark.filterwarnings("error")
def test_a_voice_that_is_no_number_ends_no_run_and_is_never_the_best(part: str, tmp_path: Path) -> None:
    made = trainer(tmp_path / "run")
    for voice in (made.ema, made.synthesizer):
        for weight in getattr(voice, part).parameters():
            torch.nn.init.constant_(weight, math.nan)
    journal = MetricsLogger(tmp_path)
    reporter = Reporter(made.config, made.corpus, journal, made.validation, made.clock)
    best = reporter.validate(1, made.ema, made.synthesizer, Best())
    journal.close()
    [line] = (json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines())
    if part == "duration_predictor":  # then each phoneme lasts a frame
        assert line["validation/duration"] is None
    else:
        assert line["validation/score"] is None
        assert best == Best()


def test_the_pace_after_a_resume_is_that_of_the_steps_since(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    now = [0.0]
    clock = Clock(lambda: 0.0, lambda: now[0])
    journal = MetricsLogger(tmp_path, step=150)
    reporter = Reporter(made.config, made.corpus, journal, made.validation, clock)
    reporter.begin(150)
    for step, seconds in ((200, 25.0), (300, 125.0)):
        now[0] = seconds
        reporter.report(step, {}, {"loss/generator/mel": 1.0, "loss/generator/kl": 1.0, "loss/generator/duration": 1.0})
    journal.close()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["throughput/seconds_per_step"] for line in lines] == [0.5, 1.0]


def test_who_follows_the_lines_finds_the_sentences_of_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainer(tmp_path)
    journal = MetricsLogger(tmp_path)
    reporter = Reporter(made.config, made.corpus, journal, made.validation, made.clock)
    there: list[str] = []
    monkeypatch.setattr(
        journal, "scalars", lambda *_: there.extend(path.name for path in (tmp_path / "samples/00000007").iterdir())
    )
    reporter.validate(7, made.ema, made.synthesizer, Best())
    journal.close()
    assert sorted(there) == ["speaker_c0.alignment.png", "speaker_c0.mel.png", "speaker_c0.wav"]


def test_weights_that_score_lower_than_all_before_are_the_best(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    journal = MetricsLogger(tmp_path)
    reporter = Reporter(made.config, made.corpus, journal, made.validation, made.clock)
    first = reporter.validate(1, made.ema, made.synthesizer, Best())
    assert first.step == 1
    assert reporter.validate(2, made.ema, made.synthesizer, first) == first, "a draw is no improvement"
    worse = replace(first, score=first.score + 1)
    assert reporter.validate(3, made.ema, made.synthesizer, worse).step == 3
    journal.close()
