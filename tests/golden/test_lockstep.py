"""Training that goes on from an original checkpoint makes the steps that the original makes: the same in float64.

Both begin with the same files and see the same recordings, noise and dropout masks. The figures in `lockstep.json` are
those of `tests.golden.plain_training`, which has nothing of ours.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from configs import Config
from data.clips import Clip
from data.corpus import Corpus
from tests.golden.plain_training import (
    ADAM_EPSILON,
    GOLDEN,
    HOP,
    LEARNING_RATE,
    SEGMENT_FRAMES,
    STEPS,
    Draws,
    PlainTraining,
    Recording,
    filterbank,
    recordings,
    window,
)
from tests.voices.importing.foreign_files import write_original
from text.symbols import SymbolTable
from train import Trainer
from voices.importing.warm_start import WarmStart

EPSILON = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Lockstep:
    """One training by both sides, step by step."""

    losses: list[tuple[dict[str, float], dict[str, float]]]  # ours, theirs
    gradients: list[dict[str, float]]  # by part, the largest difference in proportion to the largest gradient
    weights: list[tuple[float, float]]  # the largest difference, in learning rates: with a gradient, and of all
    parts: list[dict[str, dict[str, float]]]  # norms of ours, as `PlainTraining.figures` has them
    shapes: list[bool]  # whether both drew as many numbers of each kind, in the same order


def trainer_of(folder: Path, plain: PlainTraining) -> Trainer:
    """Our training, begun with the files that the plain one leaves at its first step, in float64."""
    path = write_original(folder, _in_file(plain.synthesizer), block=1, speakers=["ann", "bob"])
    torch.save({"model": _in_file(plain.discriminator), "iteration": 7}, path.with_name("D_7.pth"))
    settings = json.loads((folder / "config.json").read_text())
    settings["data"] |= {"filter_length": 32, "win_length": 32, "n_mel_channels": 8}
    (folder / "config.json").write_text(json.dumps(settings))
    warm = WarmStart.asked(path, None)
    voice = warm.imported.voice
    config = _config(voice.config)
    clips = [[_clip(recording) for recording in step] for step in recordings()]
    corpus = Corpus(
        train=[clip for step in clips for clip in step],
        validation=clips[0],
        symbols=SymbolTable.from_json(voice.symbols),
        speakers=voice.speakers,
        lexicon=None,
        fingerprint="lockstep",
    )
    trainer = Trainer(config, corpus)
    report = warm.give(trainer.synthesizer, trainer.discriminator, config, voice.symbols, voice.speakers)
    assert any("discriminators were found and taken: scale_1, period_2" in note for note in report.notes)
    for network in (trainer.synthesizer, trainer.discriminator, trainer.ema):
        network.double()
    for optimizer in (trainer.synthesizer_optimizer, trainer.discriminator_optimizer):
        optimizer.param_groups[0]["fused"] = False  # whose flag to skip an update must be in float32
    # Both are the same but for what float32 makes of them: the tests of the spectrogram hold them, too.
    torch.testing.assert_close(trainer.features.linear.window.double(), window(), rtol=0, atol=1e-6)
    torch.testing.assert_close(trainer.features.mel_scale.filterbank.double(), filterbank(), rtol=1e-4, atol=1e-9)
    trainer.features.linear.window, trainer.features.mel_scale.filterbank = window(), filterbank()
    return trainer


def _config(imported: Config) -> Config:
    """The voice's experiment, as small as the plain one's and by the published numbers of an optimizer."""
    update = {
        "train": imported.train.model_copy(
            update={"segment_samples": SEGMENT_FRAMES * HOP, "asked_batch_size": 2, "precision": "fp32"}
        ),
        "discriminator": imported.discriminator.model_copy(update={"channel_divisor": 16}),
        "run": imported.run.model_copy(update={"device": "cpu"}),
    }
    return imported.model_copy(update=update)


def _in_file(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in network.state_dict().items()}


def _clip(recording: Recording) -> Clip:
    return Clip("clip", "", recording.phonemes, recording.audio, recording.speaker)


def _counterparts(trainer: Trainer, plain: PlainTraining) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each weight there with ours, found by its numbers, which no two share."""
    ours: dict[bytes, Tensor] = {}
    for network in (trainer.synthesizer, trainer.discriminator):
        ours |= {parameter.detach().numpy().tobytes(): parameter for parameter in network.parameters()}
    theirs = [
        (f"{side}.{name}", parameter)
        for side, network in (("synthesizer", plain.synthesizer), ("discriminator", plain.discriminator))
        for name, parameter in network.named_parameters()
    ]
    assert len(ours) == len(theirs)
    for name, parameter in theirs:
        yield name, ours[parameter.detach().numpy().tobytes()], parameter


@pytest.fixture(scope="module")
def lockstep(tmp_path_factory: pytest.TempPathFactory) -> Lockstep:
    pytest.importorskip("piper.train.vits.models", reason="needs the trainer that the wheel of piper-tts >= 1.5 has")
    plain = PlainTraining()
    trainer = trainer_of(tmp_path_factory.mktemp("lockstep"), plain)
    pairs = list(_counterparts(trainer, plain))
    made = Lockstep([], [], [], [], [])
    for place, clips in enumerate(recordings()):
        draws = [Draws(100 + place), Draws(100 + place)]
        with draws[0].in_use():
            theirs = plain.step(clips)
        with draws[1].in_use():
            batch = trainer.batch([_clip(recording) for recording in clips])
            report = trainer.run_step(_in_float64(batch))
        trainer.step += 1
        ours = {name: float(value) for name, value in report.losses.items() if name in theirs}
        made.losses.append((ours, theirs))
        made.gradients.append(_gradient_differences(pairs))
        apart = [_apart(our, their) for _, our, their in pairs]
        made.weights.append((max(each for each, _ in apart), max(each for _, each in apart)))
        made.parts.append(_norms(pairs))
        made.shapes.append(draws[0].shapes == draws[1].shapes)
    return made


def _in_float64(batch: Any) -> Any:
    return type(batch)(**{**vars(batch), "audio": batch.audio.double()})


def _gradient_differences(pairs: list[tuple[str, Tensor, Tensor]]) -> dict[str, float]:
    largest: dict[str, float] = {}
    differences: dict[str, float] = {}
    for name, our, their in pairs:
        assert our.grad is not None
        assert their.grad is not None
        part = _part(name)
        largest[part] = max(largest.get(part, 0.0), float(their.grad.abs().max()))
        difference = float((our.grad.reshape(their.grad.shape) - their.grad).abs().max())
        differences[part] = max(differences.get(part, 0.0), difference)
    return {part: difference / largest[part] for part, difference in differences.items()}


def _apart(our: Tensor, their: Tensor) -> tuple[float, float]:
    """How far a weight's values are apart, in learning rates: where there is a gradient, and everywhere."""
    assert their.grad is not None
    apart = (our.reshape(their.shape) - their).detach().abs() / LEARNING_RATE
    return float((apart * (their.grad.abs() > ADAM_EPSILON)).max()), float(apart.max())


def _part(name: str) -> str:
    """The encoder, the flow, the discriminator or the like that a weight belongs to."""
    _network, part, *rest = name.split(".")
    return f"{part}.{rest[0]}" if part == "discriminators" else part


def _norms(pairs: list[tuple[str, Tensor, Tensor]]) -> dict[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = {}
    for name, our, _ in pairs:
        own = sums.setdefault(_part(name), {"gradients": 0.0, "weights": 0.0})
        assert our.grad is not None
        own["gradients"] += float(our.grad.square().sum())
        own["weights"] += float(our.detach().square().sum())
    return {part: {name: math.sqrt(value) for name, value in own.items()} for part, own in sums.items()}


def test_both_draw_the_same_numbers_in_the_same_order(lockstep: Lockstep) -> None:
    assert lockstep.shapes == [True] * STEPS


def test_losses_are_the_same_to_a_few_roundings(lockstep: Lockstep) -> None:
    for ours, theirs in lockstep.losses:
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=64 * EPSILON, abs=0), name


def test_gradients_are_the_same_in_proportion_to_the_largest_of_their_part(lockstep: Lockstep) -> None:
    for differences in lockstep.gradients:
        assert len(differences) == 12
        assert max(differences.values()) <= 3e-14, differences


def test_weights_stay_together_to_a_millionth_of_a_learning_rate(lockstep: Lockstep) -> None:
    for with_gradient, everywhere in lockstep.weights:
        assert with_gradient <= 1e-6
        # Attention is the same whatever is added to all keys: that gradient is rounding, which AdamW makes larger.
        assert everywhere <= 1e-5


def test_losses_gradients_and_weights_are_the_golden_ones(lockstep: Lockstep) -> None:
    golden = json.loads(GOLDEN.read_text())["steps"]
    assert len(golden) == STEPS
    for (ours, _), parts, expected in zip(lockstep.losses, lockstep.parts, golden, strict=True):
        assert ours == pytest.approx(expected["losses"], rel=1e-9)
        assert parts.keys() == expected["parts"].keys()
        for part, norms in expected["parts"].items():
            assert parts[part] == pytest.approx(norms, rel=1e-9), part
