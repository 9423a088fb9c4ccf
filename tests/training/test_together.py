"""A batch in parts, or shared by two processes, teaches what the whole batch teaches."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import models.gaussian
import models.stochastic_duration_predictor
from configs import Config, load_config
from data.clips import Clip
from data.corpus import Corpus
from tests.short_runs import SMALLER, settings
from text import SymbolTable
from train import Trainer
from training.accumulation import micro_batches
from training.ranks import Ranks
from voices.checkpoint import load_checkpoint

HOUSE = Path(__file__).resolve().parents[2]
STOCHASTIC = "model.duration_predictor=stochastic"  # which draws noise of its own
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, "a": 3, "ə": 4})


def quiet(run: Path, *overrides: str) -> Config:
    """The tiny experiment, of smaller networks without dropout."""
    own = ["data.root=unused", f"run.dir={run}", "run.device=cpu", *SMALLER, "model.text_dropout=0.0"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, "model.duration_dropout=0.0", *overrides])


def noise(count: int) -> list[Clip]:
    """Clips of 0.4 to 1.4 seconds."""
    chance = np.random.default_rng(0)
    lengths = chance.integers(9_000, 30_000, count)
    return [
        Clip(
            str(place),
            "aə",
            chance.integers(0, 5, chance.integers(5, 17)),
            chance.integers(-9000, 9000, length, np.int16),
            0,
        )
        for place, length in enumerate(lengths)
    ]


def trainer_of(config: Config, clips: Sequence[Clip], ranks: Ranks | None = None) -> Trainer:
    corpus = Corpus(list(clips), list(clips[:2]), SYMBOLS, speakers=(), lexicon=None, fingerprint="made up")
    return Trainer(config, corpus, ranks)


def silence_chance(patch: Any) -> None:
    """Noise that is the same for every clip, whatever batch it is in."""

    def constant(like: Tensor, generator: object) -> Tensor:
        return torch.full_like(like, 0.3)

    patch.setattr(models.gaussian, "standard_normal", constant)
    patch.setattr(models.stochastic_duration_predictor, "standard_normal", constant)
    patch.setattr(torch, "rand", lambda size, generator=None, device=None: torch.full(size, 0.4, device=device))


def gradients(trainer: Trainer, clips: Sequence[Clip]) -> dict[str, Tensor]:
    """Of both networks, after one step with a learning rate of next to nothing."""
    trainer.run_step(trainer.batch(clips))
    networks = {"synthesizer": trainer.synthesizer, "discriminator": trainer.discriminator}
    return {
        f"{network}.{name}": parameter.grad.clone()
        for network, module in networks.items()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def test_the_shares_of_the_parts_of_a_batch_add_up_to_one(tmp_path: Path) -> None:
    clips = noise(7)
    batch = trainer_of(quiet(tmp_path), clips).batch(clips)
    for count in (1, 2, 3, 7, 20):
        parts = micro_batches(batch, count, hop_length=256, segment_frames=32, ranks=Ranks())
        assert [name for part in parts for name in part.batch.ids] == list(batch.ids)
        assert len(parts) <= min(count, 7)
        for field in fields(parts[0].normalisation):
            assert float(sum(getattr(part.normalisation, field.name) for part in parts)) == pytest.approx(1.0)
    frames = [len(clip.audio) // 256 for clip in clips]
    (first, *_) = micro_batches(batch, 7, hop_length=256, segment_frames=50, ranks=Ranks())
    assert float(first.normalisation.frames) == pytest.approx(frames[0] / sum(frames))
    assert float(first.normalisation.segment_frames) == pytest.approx(
        min(50, frames[0]) / sum(min(50, n) for n in frames)
    )


@pytest.mark.parametrize("segments", [1, 2])
def test_four_parts_of_eight_clips_have_the_gradients_of_32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segments: int
) -> None:
    silence_chance(monkeypatch)
    clips = noise(32)
    # Some are shorter than a segment, so that the parts' shares of what is decoded differ.
    clips[:6] = [replace(clip, phoneme_ids=clip.phoneme_ids[:9], audio=clip.audio[:3000]) for clip in clips[:6]]
    almost_none = ("train.learning_rate=1e-30", "train.precision=fp32", f"train.segments={segments}", STOCHASTIC)
    whole = gradients(trainer_of(quiet(tmp_path, *almost_none), clips), clips)
    parts = gradients(trainer_of(quiet(tmp_path, "train.accumulate=4", *almost_none), clips), clips)
    assert whole.keys() == parts.keys()
    for network in ("synthesizer", "discriminator"):
        own = [name for name in whole if name.startswith(network)]
        largest = max(float(whole[name].abs().max()) for name in own)
        apart = {name: float((parts[name] - whole[name]).abs().max()) / largest for name in own}
        # In float32; the discriminator's are sums of terms that nearly cancel. One wrong share makes 5e-2.
        bound = 5e-4 if network == "discriminator" else 1e-5 * segments
        assert max(apart.values()) < bound, max(apart.items(), key=lambda item: item[1])


def test_micro_batches_draw_the_same_noise_both_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = noise(4)
    trainer = trainer_of(quiet(tmp_path, "train.accumulate=2", "model.text_dropout=0.1", STOCHASTIC), clips)
    heard: list[Tensor] = []
    forward = trainer.generator_forward

    def listened(*part: Any) -> Any:
        spoken = forward(*part)
        heard.append(spoken.segments.generated.detach().clone())
        return spoken

    monkeypatch.setattr(trainer, "generator_forward", listened)
    trainer.run_step(trainer.batch(clips))
    assert len(heard) == 4
    assert torch.equal(heard[0], heard[2])
    assert torch.equal(heard[1], heard[3])
    assert not torch.equal(heard[0], heard[1])


TWO_PROCESSES = """
import json, sys
from pathlib import Path
from pytest import MonkeyPatch
from tests.training.test_together import STOCHASTIC, noise, quiet, silence_chance, trainer_of, weights_digest
from training.ranks import Ranks, leave
with Ranks.joined() as ranks, MonkeyPatch.context() as patch:
    silence_chance(patch)
    clips = noise(8)
    # Adam turns a gradient that is zero but for rounding into a whole step; this keeps it from that.
    losses, own = [], [STOCHASTIC, "train.adam_epsilon=1e-4", "train.segments=2", "train.discriminator_updates=1"]
    games = [["loss.adversarial_objective=" + name] for name in ("least_squares", "wasserstein_gp", "began")]
    for game in (*games, ["train.freeze={decoder = 1}", "train.learning_rates={flow = 0.5}"]):
        trainer = trainer_of(quiet(Path(sys.argv[1]), *own, *game, "loss.r1=1"), clips, ranks)
        for step in range(2):
            report = trainer.run_step(trainer.batch(clips[ranks.rank :: ranks.count]))
            mine = {name: float(value) for name, value in report.losses.items()}
            of_ranks = ranks.gather(mine)
            losses.append({name: sum(one[name] for one in of_ranks) for name in mine})
            losses[-1] |= {name: float(value) for name, value in trainer.objective.scalars().items()}
            trainer.step += 1
    digests = ranks.gather(weights_digest(trainer))
    if ranks.is_first:
        print(json.dumps({"ranks": ranks.count, "losses": losses, "digests": digests}))
leave(0)
"""


def weights_digest(trainer: Trainer) -> str:
    """Equal for equal bits of both networks and of the average."""
    networks = (trainer.synthesizer, trainer.discriminator, trainer.ema)
    return " ".join(str(torch.hash_tensor(torch.cat([p.detach().flatten() for p in n.parameters()]))) for n in networks)


Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def python(forked: dict[str, str]) -> Start:
    """Runs a `python` with arguments, and so does torchrun."""
    program = forked["PYTHON_EXEC"]

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [program, *arguments], cwd=HOUSE, env=forked, capture_output=True, text=True, timeout=600, check=False
        )

    return run


def torchrun(processes: int) -> tuple[str, ...]:
    return ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")


@pytest.mark.slow
def test_two_processes_with_half_a_batch_each_have_the_losses_of_one_with_the_whole(
    tmp_path: Path, python: Start
) -> None:
    (tmp_path / "steps.py").write_text(TWO_PROCESSES)
    alone, together = (python(*torchrun(processes), str(tmp_path / "steps.py"), str(tmp_path)) for processes in (1, 2))
    assert (alone.returncode, together.returncode) == (0, 0), alone.stderr + together.stderr
    one, two = (json.loads(done.stdout.strip().splitlines()[-1]) for done in (alone, together))
    assert (one["ranks"], two["ranks"]) == (1, 2)
    assert len(set(two["digests"])) == 1  # bit for bit
    for losses_alone, losses_together in zip(one["losses"], two["losses"], strict=True):
        assert losses_together == pytest.approx(losses_alone, rel=1e-5, abs=1e-6)


@pytest.mark.slow
def test_a_run_of_two_processes_that_stops_and_goes_on_is_the_run_that_never_stopped(
    tmp_path: Path, corpus_folder: Path, python: Start
) -> None:
    own = ["configs/tiny.toml", *settings(corpus_folder, tmp_path / "whole", *SMALLER)]
    own += ["train.batch_size=4", "train.spoken_sentences=0"]
    own += ["loss.adversarial_objective=began", "loss.r1=1", "loss.balance=gradient"]  # which have a state of their own
    own += ['train.freeze={text_encoder = "always", decoder = 3}', "train.learning_rates={flow = 0.5}"]
    own += ["train.validate_every=1", "train.patience=4", "train.hours=9.0"]
    own += ["train.checkpoint_every=2", "train.steps=4"]
    done = python(*torchrun(2), "train.py", *own)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("finished at step") == 1
    shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    (tmp_path / "parts" / "checkpoints" / "00000004.pt").unlink()
    alone = python("train.py", "--resume", str(tmp_path / "parts"))
    assert alone.returncode == 2
    assert "was trained by 2 processes, and these are 1" in alone.stderr
    done = python(*torchrun(2), "train.py", "--resume", str(tmp_path / "parts"))
    assert done.returncode == 0, done.stderr
    whole, parts = (load_checkpoint(tmp_path / run / "checkpoints" / "00000004.pt") for run in ("whole", "parts"))
    for network in ("synthesizer", "discriminator", "average"):
        assert all(torch.equal(whole[network][name], parts[network][name]) for name in whole[network])
    for mine, other in zip(whole["ranks"], parts["ranks"], strict=True):
        assert torch.equal(mine["random"]["torch"], other["random"]["torch"])
    assert not torch.equal(whole["ranks"][0]["random"]["torch"], whole["ranks"][1]["random"]["torch"])
    lines = [json.loads(line) for line in (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss/generator/mel" in line] == [1, 2, 3, 4]
