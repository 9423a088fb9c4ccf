"""A run whose gradients break says which step it was, replays it to the operation, and saves no broken weight."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from configs import Config, InputError, load_config
from data.batch import Batch
from models.finite_weights import first_not_finite, tensors_in
from train import Trainer, main, resume, start
from training.broken_steps import BrokenStep, newest_record, read_record, write_records
from training.interruption import StopRequest
from voices.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
from voices.voice_file import load_voice

HOUSE = Path(__file__).resolve().parents[2]
Experiment = Callable[..., Config]  # given the name of a run and more settings
TINIEST = (
    *("model.hidden_channels=16", "model.latent_channels=16", "model.filter_channels=32", "model.text_layers=1"),
    *("model.posterior_layers=1", "model.coupling_layers=2", "model.coupling_wavenet_layers=1"),
    *("model.duration_channels=16", "model.duration_flows=1", "discriminator.periods=[2, 3]"),
    *("decoder.initial_channels=16", "decoder.upsample_rates=[16, 16]", "decoder.upsample_kernel_sizes=[32, 32]"),
    *("decoder.residual_kernel_sizes=[3]", "decoder.residual_dilations=[[1, 2]]"),
    *("train.batch_size=2", "data.validation_clips=2"),
)


@pytest.fixture
def experiment(corpus_folder: Path, tmp_path: Path) -> Experiment:
    """The tiniest experiment, in a run folder of its own."""

    def load(run: str, *more: str) -> Config:
        places = (f"data.root={corpus_folder}", f"data.cache={corpus_folder.parent / 'cache'}")
        rare = ("train.validate_every=1000", "train.checkpoint_every=1000", "train.spoken_sentences=0")
        own = (f"run.dir={tmp_path / run}", "train.report_every=1", "run.device=cpu", "train.precision=fp32")
        return load_config(HOUSE / "configs" / "tiny.toml", [*TINIEST, *places, *rare, *own, *more])

    return load


def trained(config: Config) -> Trainer:
    trainer = start(config)
    trainer.train(StopRequest())
    return trainer


def replayed(run: Path, step: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.argv", ["train.py", "--replay", str(run), str(step)])
    capsys.readouterr()
    assert main() == 0
    return capsys.readouterr().out


def test_a_broken_step_is_recorded_and_replayed_from_the_seed_and_from_a_checkpoint_alike(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # So fast that the exponentials overflow after a few updates.
    fast = ("train.learning_rate=20", "train.steps=6")
    trained(experiment("seed", *fast))
    told = capsys.readouterr().err
    first, step, *_ = sorted(int(path.stem) for path in (tmp_path / "seed" / "broken_steps").iterdir())
    assert f"the gradients of step {first} are not finite: it was skipped" in told
    assert f"python train.py --replay {tmp_path / 'seed'} {first}" in told
    trained(experiment("saved", *fast, "train.checkpoint_every=1", "train.keep_checkpoints=9"))
    outputs = [replayed(tmp_path / run, step, monkeypatch, capsys) for run in ("seed", "saved")]
    found = [output.partition("in float32")[2] for output in outputs]
    assert found[0] == found[1]
    assert "the first result that is not finite is" in found[0]
    assert re.search(r" of aten\.\w+.* in the (forward|backward) pass, at [\w/]+\.py:\d+", found[0]), found[0]
    record = read_record(tmp_path / "saved", step)
    assert f"recordings   {', '.join(record.broken.ids)}\n" in outputs[0]
    assert "weights      those of the seed\n" in outputs[0]
    assert f"{step - 1:08d}.pt\n" in outputs[1]


def test_a_step_that_is_finite_in_float32_is_told_to_be_so(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = experiment("run", "train.precision=bf16", "train.steps=3")
    trainer = start(config)
    made: list[BrokenStep] = []
    teach = trainer.run_step

    def watched(batch: Batch) -> Any:
        noise = (torch.get_rng_state(),)
        report = teach(batch)
        norms = {name: float(norm) for name, norm in report.gradient_norms.items()}
        made.append(BrokenStep(trainer.step + 1, batch.ids, noise, norms))
        return report

    trainer.run_step = watched  # type: ignore[method-assign]
    trainer.train(StopRequest())
    assert newest_record(tmp_path / "run") is None
    write_records(tmp_path / "run", [made], config, from_seed=True)
    output = replayed(tmp_path / "run", 2, monkeypatch, capsys)
    assert "every result is finite in float32" in output
    assert "train.precision = bf16 made the difference" in output
    # The same batch, weights and noise: what is left is the precision.
    norm = float(output.partition("gradients are ")[2].partition(" (discriminator)")[0])
    assert norm == pytest.approx(made[1].gradient_norms["discriminator"], rel=0.1)
    # The checkpoint behind it serves where the weights before it are not to be had, and that is told.
    write_records(tmp_path / "run", [made], config, from_seed=False)
    assert "00000003.pt, for there are none of a step before" in replayed(tmp_path / "run", 2, monkeypatch, capsys)
    write_records(tmp_path / "run", [[BrokenStep(2, ("x", "y"), made[1].noise, {})]], config, from_seed=True)
    monkeypatch.setattr("sys.argv", ["train.py", "--replay", str(tmp_path / "run"), "2"])
    assert main() == 2
    assert "step 2 was made on x, y, and would now be made on" in capsys.readouterr().err


def test_a_step_between_reports_is_recorded_when_the_run_is_stopped(experiment: Experiment, tmp_path: Path) -> None:
    trainer = start(experiment("run", "train.report_every=100"))
    stop, batches = StopRequest(), trainer.batches()

    def poisoned() -> Iterator[Batch]:
        for batch in batches:
            if trainer.step == 1:
                batch.audio[:] = math.nan
            if trainer.step == 2:
                stop.signal_number = 2
            yield batch

    trainer.batches = poisoned  # type: ignore[method-assign, assignment]
    trainer.train(stop)
    assert newest_record(tmp_path / "run") == 2


PLACES: dict[str, Callable[[Trainer], torch.Tensor]] = {
    "synthesizer": lambda trainer: next(trainer.synthesizer.parameters()),
    "discriminator": lambda trainer: next(trainer.discriminator.parameters()),
    "average": lambda trainer: next(trainer.ema.parameters()),
    "synthesizer_optimizer": lambda trainer: next(iter(trainer.synthesizer_optimizer.state.values()))["exp_avg_sq"],
}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("synthesizer", math.nan),
        ("discriminator", math.inf),
        ("average", math.nan),
        ("synthesizer_optimizer", math.inf),
    ],
)
def test_weights_that_are_not_finite_end_the_run_and_are_not_saved(
    experiment: Experiment, tmp_path: Path, place: str, value: float
) -> None:
    trainer = start(experiment("run", "train.steps=5", "train.checkpoint_every=2"))
    batches = trainer.batches()

    def poisoned() -> Iterator[Batch]:
        for batch in batches:
            if trainer.step == 3:
                with torch.no_grad():
                    PLACES[place](trainer).view(-1)[0] = value
            yield batch

    trainer.batches = poisoned  # type: ignore[method-assign, assignment]
    with pytest.raises(InputError, match=rf"before step 4: {place}\..* is NaN or infinite, .*00000002\.pt; lower"):
        trainer.train(StopRequest())
    (checkpoint,) = list_checkpoints(tmp_path / "run" / "checkpoints")
    assert first_not_finite(tensors_in(load_checkpoint(checkpoint)["average"])) is None
    voice = load_voice(tmp_path / "run" / "voice.safetensors")
    assert (voice.step, first_not_finite(voice.synthesizer.state_dict().items())) == (2, None)
    resume(tmp_path / "run", ["train.steps=3"]).train(StopRequest())


def test_a_checkpoint_that_holds_a_broken_weight_is_refused_and_the_one_before_it_goes_on(
    experiment: Experiment, tmp_path: Path
) -> None:
    trained(experiment("run", "train.steps=2", "train.checkpoint_every=1"))
    older, newest = list_checkpoints(tmp_path / "run" / "checkpoints")
    state = load_checkpoint(newest)
    next(iter(state["average"].values())).view(-1)[0] = math.nan
    save_checkpoint(newest, state)
    with pytest.raises(InputError, match=r"00000002\.pt: average\..* is NaN or infinite: delete it to go on"):
        resume(tmp_path / "run", [])
    newest.unlink()
    assert resume(tmp_path / "run", []).step == int(older.stem)


@pytest.mark.parametrize(("step", "told"), [("x", "give the number of a step"), ("7", "there is no such record")])
def test_what_cannot_be_replayed_is_refused_in_a_sentence(
    tmp_path: Path, step: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "--replay", str(tmp_path), step])
    assert main() == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert errors.count("\n") == 1
