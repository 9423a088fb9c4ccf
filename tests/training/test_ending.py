"""Training ends without improvement or when its hours are spent, and says how long it takes until then."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs import Config, InputError, TrainSettings, load_config
from monitoring.best import Best
from tests.faults.tiny_runs import differing, lasting, tiny_corpus
from tests.short_runs import command
from train import Trainer, resume, run, start
from training.ending import Ending, RemainingTime, in_words
from training.interruption import StopRequest
from training.metrics_logger import MetricsLogger
from training.reporting import Clock
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint
from voices.voice_file import load_voice

SCORES = [9.0, 5.0, 6.0, 6.0, 4.0, 7.0, 7.0, 7.0]  # by step


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return tiny_corpus(tmp_path_factory.mktemp("corpora"))


def settings(tiny: list[str], folder: Path, *overrides: str) -> Config:
    file, *own = tiny
    return load_config(file, [*own, "train.spoken_sentences=0", f"run.dir={folder}", *overrides])


def scored(trainer: Trainer) -> Trainer:
    """A trainer whose validations have the scores above."""
    validate = trainer.validation.validate

    def known(network: Any) -> Any:
        result = validate(network)
        result.scalars["score"] = SCORES[trainer.step]
        return result

    trainer.validation.validate = known  # type: ignore[method-assign, assignment]
    return trainer


def test_it_ends_without_improvement_keeps_the_best_voice_and_goes_on_to_the_bit_where_more_patience_is_asked_for(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    every = ("train.validate_every=1", "train.steps=9", "train.keep_checkpoints=9")
    ended, parts = tmp_path / "ended", tmp_path / "parts"
    assert run(scored(start(settings(tiny, ended, *every, "train.patience=2")))) == 0
    told = "train.patience = 2: no validation since step 1 was better than that one"
    output = capsys.readouterr().out
    assert told in output
    assert "finished at step 3 of 9" in output
    first = load_checkpoint(checkpoint_path(ended / "checkpoints", 1))
    kept = load_voice(ended / "best.safetensors")
    assert (kept.step, load_voice(ended / "voice.safetensors").step) == (1, 3)
    weights = kept.synthesizer.state_dict()
    assert differing({name: first["average"][name] for name in weights if name in first["average"]}, {
        name: weight for name, weight in weights.items() if name in first["average"]
    }) == []  # fmt: skip

    # Stopped and resumed between two validations that are no better, it ends at the same step.
    scored(start(settings(tiny, parts, *every[:1], *every[2:], "train.steps=2", "train.patience=2"))).train(
        StopRequest()
    )
    scored(resume(parts, ["train.steps=9"])).train(StopRequest())
    ends = [load_checkpoint(list_checkpoints(folder / "checkpoints")[-1]) for folder in (ended, parts)]
    assert ends[1]["step"] == 3
    assert differing(*map(lasting, ends)) == []  # type: ignore[arg-type]

    assert command(monkeypatch, "--resume", ended) == 0
    assert told in capsys.readouterr().out
    scored(resume(ended, ["train.patience=3"])).train(StopRequest())
    assert load_checkpoint(list_checkpoints(ended / "checkpoints")[-1])["step"] == 7
    scored(start(settings(tiny, tmp_path / "patient", *every, "train.patience=3"))).train(StopRequest())
    ends = [load_checkpoint(checkpoint_path(folder / "checkpoints", 7)) for folder in (ended, tmp_path / "patient")]
    assert differing(*map(lasting, ends)) == []  # type: ignore[arg-type]
    assert ends[0]["best"]["step"] == 4


def test_it_ends_with_a_validation_and_the_voice_when_its_hours_are_spent_over_all_starts(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step takes ten minutes by a clock that is set by hand."""
    ticking: dict[int, float] = {}  # seconds before this start, by logger
    trainers: list[Trainer] = []
    of_start = MetricsLogger.__init__

    def begin(logger: MetricsLogger, folder: Path, *, step: int = 0, seconds: float = 0.0) -> None:
        of_start(logger, folder, step=step, seconds=seconds)
        ticking[id(logger)] = seconds - 600 * step

    monkeypatch.setattr(MetricsLogger, "__init__", begin)
    monkeypatch.setattr(MetricsLogger, "seconds", property(lambda each: ticking[id(each)] + 600 * trainers[-1].step))
    folder = tmp_path / "run"
    trainers.append(start(settings(tiny, folder, "train.hours=0.75", "train.steps=3")))
    trainers[-1].train(StopRequest())
    assert trainers[-1].seconds == 1800.0
    trainers.append(resume(folder, ["train.steps=99"]))
    assert run(trainers[-1]) == 0
    output = capsys.readouterr().out
    assert "train.hours = 0.75 are spent, so training ends here" in output
    assert "finished at step 5 of 99" in output  # 50 minutes, where 40 are not enough
    assert load_voice(folder / "voice.safetensors").step == 5
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "validation/score" in line] == [0, 3, 5]
    assert command(monkeypatch, "--resume", folder) == 0
    assert "is at step 5 of 99: train.hours = 0.75 are spent" in capsys.readouterr().out
    trainers.append(resume(folder, ["train.hours=1.0"]))
    trainers[-1].train(StopRequest())
    assert (trainers[-1].step, trainers[-1].finished) == (6, True)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def clock(self) -> Clock:
        return Clock(lambda: 0.0, lambda: self.seconds, lambda: 0.0)


def test_the_remaining_time_is_that_of_steps_validations_and_checkpoints() -> None:
    watch = Watch()
    clock = watch.clock()
    train = TrainSettings(validate_every=100, checkpoint_every=50)
    with clock.on("validation"):
        watch.seconds += 60
    remaining = RemainingTime(train, clock, step=0, total_steps=250)
    told = []
    for step in range(1, 13):
        watch.seconds += 30.0 if step <= 2 else 2.0  # the first ones are slow
        told.append(remaining.forecast(step, 0.0))
    # Five steps take ten seconds. Then 243 of 2 s are left, and validations at 100, 200 and 250: 486 + 180 s.
    assert told[:6] + told[7:] == [""] * 11
    assert told[6] == "11 min to go on this machine: 2 s a step, 60 s a validation"
    with clock.on("saving"):
        watch.seconds += 4
    assert remaining.seconds(212, 0.0) is not None
    watch.seconds += 200 * 2.0
    assert remaining.seconds(212, 0.0) == pytest.approx(38 * 2 + 60 + 4)


def test_the_hours_limit_the_remaining_time() -> None:
    watch = Watch()
    clock = watch.clock()
    remaining = RemainingTime(TrainSettings(hours=1.0, validate_every=10_000), clock, step=100, total_steps=10_000)
    told = ""
    for step in range(101, 113):
        watch.seconds += 4.0
        told = told or remaining.forecast(step, 600.0)
    # At step 105, 3000 s are left.
    assert told == ("50 min to go on this machine: 4 s a step; train.hours = 1 are enough for about 855 of 10000 steps")
    assert remaining.seconds(112, 4000.0) == 0.0


def test_a_run_of_seconds_says_nothing_of_its_time() -> None:
    watch = Watch()
    remaining = RemainingTime(TrainSettings(), watch.clock(), step=0, total_steps=40)
    for step in range(1, 41):
        watch.seconds += 0.2
        assert remaining.forecast(step, 0.0) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3570, "1 h 0 min"), (3900, "1 h 5 min"), (183_000, "2 d 3 h")],
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_patience_counts_validations_since_the_best() -> None:
    ending = Ending(TrainSettings(patience=2))
    ends = []
    for improved in (True, False, True, False, False):
        ending.validated(improved=improved)
        ends.append(ending.is_out_of_patience)
    assert ends == [False, False, False, False, True]
    never = Ending(TrainSettings(), without_improvement=10**9)
    assert not never.is_out_of_patience
    assert not never.is_spent(1e12)
    assert never.sentence(Best(), 1e12) == ""


@pytest.mark.parametrize("override", ["train.patience=0", "train.hours=0.0", "train.hours=-1.0", "train.hours=nan"])
def test_no_patience_and_no_hours_are_refused(tiny: list[str], tmp_path: Path, override: str) -> None:
    with pytest.raises(InputError, match=f"{override.partition('=')[0]} = "):
        settings(tiny, tmp_path, override)
