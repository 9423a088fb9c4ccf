"""The perceptual loss in training: what the frozen recogniser hears, and that it goes with the run."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from configs import InputError
from models.recogniser import RecogniserNetwork
from tests.faults.tiny_runs import differing, lasting
from tests.rounding import assert_same, float64, in_float64
from tests.short_runs import SMALL, tiny
from tests.training.test_together import noise, quiet, silence_chance, trainer_of
from tests.waits import Waits
from train import Trainer, resume, start
from training.frozen import networks
from training.frozen.recogniser_maps import RecogniserMaps
from training.interruption import StopRequest
from training.recogniser import of_corpus, recogniser, training
from training.recogniser.examples import MEL_BANDS, frames_of
from training.speech_frames import SpeechFrames
from voices.checkpoint import checkpoint_path, load_checkpoint

ON = ("loss.perceptual=5", "loss.recogniser_hours=0.001", "train.precision=fp32")
NETWORK = """
import torch

class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Conv1d(1, 4, 16, 8), torch.nn.Conv1d(4, 3, 4, 4)])
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, audio):
        first = self.layers[0](audio).relu()
        return [first, self.layers[1](self.dropout(first))]

def build(sample_rate):
    return Layers()
"""


@pytest.fixture
def maps_of_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "maps_of_mine.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    return "loss.perceptual_network=maps_of_mine:build"


def tiny_recogniser() -> RecogniserMaps:
    torch.manual_seed(0)
    return RecogniserMaps(RecogniserNetwork(bands=MEL_BANDS, classes=5, channels=16, hidden=8), 22050)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recogniser that is trained in a second."""
    for module in (training, recogniser):
        monkeypatch.setattr(module, "RecogniserNetwork", partial(RecogniserNetwork, channels=16, hidden=8))
    monkeypatch.setattr(
        "training.frozen.recogniser_maps.RecogniserNetwork", partial(RecogniserNetwork, channels=16, hidden=8)
    )


# ------------------------------------------------------------------------------------------------ what it hears


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_frames_of_a_whole_recording_are_those_that_the_recogniser_was_trained_on(rate: int) -> None:
    """The oracle resamples by soxr; what differs is the slope of the filters, near 8 kHz."""
    chance = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 180 * np.cumsum(1 + 0.2 * np.sin(np.arange(2 * rate) / rate * 9)) / rate)
    audio = (0.2 * tone * np.linspace(0.1, 1, 2 * rate) + 0.01 * chance.normal(size=2 * rate)).astype(np.float32)
    theirs = frames_of(audio, rate)
    frames, samples = SpeechFrames(rate), torch.tensor([len(audio)])
    padded = torch.nn.functional.pad(torch.from_numpy(audio), (0, 5000))[None, None]
    ours = frames.normalised(padded, frames.statistics(padded, samples), samples)[0].T
    assert int(frames.lengths(samples)) == len(theirs)
    assert not ours[len(theirs) :].any()
    error = (ours[: len(theirs)] - theirs).abs()
    assert float(error[:, :-4].mean()) < 0.02
    assert float(error.mean()) < 0.05
    assert float(theirs.std()) > 0.9


def test_resampling_is_that_of_torchaudio() -> None:
    audio = torch.randn(2, 1, 5001, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for rate in (8000, 22050, 44100, 48000):
        with float64():
            frames = in_float64(SpeechFrames(rate))
            theirs = frames.resample(audio.squeeze(1))
            assert_same(frames._narrow(audio), theirs)


def test_a_segment_is_heard_at_the_level_of_its_recording() -> None:
    """Twice as loud is not the same to it: the recording's level normalises both."""
    maps, audio = tiny_recogniser(), torch.randn(1, 1, 30000) * 0.1
    by, samples = maps.statistics(audio, torch.tensor([30000])), torch.tensor([8192])
    piece = audio[:, :, 9000:17192]
    plain = maps(piece, by, samples)
    louder = maps(2 * piece, by, samples)
    assert [one.shape[1:] for one in plain] == [(16, 19), (16, 10), (16, 10), (16, 10)]
    assert all(float((one - other).abs().mean()) > 1e-3 for one, other in zip(plain, louder, strict=True))
    both = maps.statistics(2 * audio, torch.tensor([30000]))
    assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(maps(2 * piece, both, samples), plain, strict=True))


def test_gradients_pass_through_it_and_stay_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecogniserMaps, "trained", lambda *_: tiny_recogniser())
    learner = trainer_of(quiet(tmp_path, *ON), noise(4))
    output = learner.generator_forward(learner.batch(noise(4)))
    made = replace(output.segments, real=output.segments.real.requires_grad_())
    made = replace(made, generated=made.generated.detach().requires_grad_())
    term = learner.auxiliary_losses.terms["perceptual"](replace(output, segments=made))
    by_real, by_made = torch.autograd.grad(term, (made.real, made.generated), allow_unused=True)
    assert by_real is None
    assert bool(by_made.isfinite().all())
    assert bool(by_made.any())
    assert all(not weight.requires_grad and weight.grad is None for weight in learner.auxiliary_losses.parameters())
    same = replace(output, segments=replace(made, generated=made.real.detach()))
    assert learner.auxiliary_losses.terms["perceptual"](same).item() < 1e-12


def test_what_lies_beyond_the_end_of_a_short_clip_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecogniserMaps, "trained", lambda *_: tiny_recogniser())
    clips = noise(2)
    clips[1] = replace(clips[1], audio=clips[1].audio[:2560], phoneme_ids=clips[1].phoneme_ids[:6])
    learner = trainer_of(quiet(tmp_path, *ON), clips)
    output = learner.generator_forward(learner.batch(clips))
    audio = output.segments.generated.detach().clone()
    audio[1, :, 2900:] = 1.0  # two windows of 400 samples at 16 kHz after its end
    term = learner.auxiliary_losses.terms["perceptual"]
    changed = replace(output, segments=replace(output.segments, generated=audio))
    assert term(changed).item() == pytest.approx(term(output).item(), rel=1e-5)


def test_a_step_has_the_squared_error_of_the_users_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maps_of_mine: str
) -> None:
    silence_chance(monkeypatch)
    scalars = []
    for count in (1, 4):
        own = (*ON, maps_of_mine, f"train.accumulate={count}", "train.learning_rate=1e-30")
        learner = trainer_of(quiet(tmp_path, *own), noise(4))
        scalars.append(float(learner.run_step(learner.batch(noise(4))).scalars()["loss/generator/perceptual"]))
    learner = trainer_of(quiet(tmp_path, *ON, maps_of_mine), noise(4))
    with torch.no_grad():
        segments = learner.generator_forward(learner.batch(noise(4))).segments
    network = learner.auxiliary_losses.frozen.perceptual
    assert network is not None
    real, made = (network.network(audio) for audio in (segments.real, segments.generated))  # type: ignore[operator]
    expected = sum(float(nn.MSELoss()(*pair)) for pair in zip(real, made, strict=True)) / 2
    assert scalars == pytest.approx([expected, expected], rel=1e-4)


def test_a_step_with_it_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecogniserMaps, "trained", lambda *_: tiny_recogniser())
    learner = trainer_of(quiet(tmp_path, *ON), noise(4))
    batch = learner.batch(noise(4))
    with Waits() as counted:
        learner.run_step(batch)
    assert counted.seen == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return torch.nn.Identity()", "the network is to return feature maps, a list of tensors"),
        ("return torch.nn.Conv2d(1, 2, 3)", "RuntimeError"),
        ("import no_such_library", "ModuleNotFoundError"),
    ],
)
def test_maps_that_cannot_be_used_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, told: str
) -> None:
    name = f"maps_at_fault_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(f"import torch\ndef build(rate):\n    {body}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=f"loss.perceptual_network = {name}:build: .*{told}"):
        trainer_of(quiet(tmp_path, "loss.perceptual=1", f"loss.perceptual_network={name}:build"), noise(2))


# -------------------------------------------------------------------------------------------- it goes with the run


def weights(learner: Trainer) -> Tensor:
    return torch.cat([weight.flatten() for weight in learner.auxiliary_losses.frozen.parameters()])


@pytest.mark.usefixtures("small")
def test_a_run_that_is_resumed_is_the_same_to_the_bit_and_trains_no_recogniser_again(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = (*ON, f"data.cache={tmp_path / 'cache'}")
    whole = start(tiny(corpus_folder, tmp_path / "whole", *SMALL, *own, "train.steps=3"))
    whole.train(StopRequest())
    first = start(tiny(corpus_folder, tmp_path / "parts", *SMALL, *own, "train.steps=2"))
    first.train(StopRequest())

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(of_corpus, "train", refuse)
    for path in (tmp_path / "cache" / "recognisers").iterdir():
        path.unlink()
    rest = resume(tmp_path / "parts", ["train.steps=3"])
    assert torch.equal(weights(rest), weights(whole))
    rest.train(StopRequest())
    states = [load_checkpoint(checkpoint_path(tmp_path / name / "checkpoints", 3)) for name in ("whole", "parts")]
    assert states[0]["frozen"]["perceptual"].keys()
    assert differing(lasting(states[0]) | {"best": 0}, lasting(states[1]) | {"best": 0}) == []


@pytest.mark.usefixtures("small")
def test_a_checkpoint_without_it_or_with_half_of_it_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    learner = start(tiny(corpus_folder, tmp_path / "run", *SMALL, *ON, "train.steps=1"))
    state = learner.auxiliary_losses.frozen.checkpoint_state()
    half = {"perceptual": {name: x for name, x in state["perceptual"].items() if "lstm" in name or "output" in name}}
    states: list[dict[str, Any]] = [{}, half, {"perceptual": {}}, {"perceptual": 3}]
    for broken in states:
        with pytest.raises((LookupError, RuntimeError, AttributeError, TypeError)):
            networks.FrozenNetworks.of_checkpoint(broken, learner.config)


@pytest.mark.usefixtures("small")
def test_a_weight_that_is_given_later_trains_it_then(corpus_folder: Path, tmp_path: Path) -> None:
    start(tiny(corpus_folder, tmp_path / "run", *SMALL, "train.steps=1")).train(StopRequest())
    rest = resume(tmp_path / "run", [*ON[:2], "train.steps=2"], accept_changes=True)
    assert rest.auxiliary_losses.frozen.perceptual is not None
    assert "loss/generator/perceptual" in rest.run_step(next(iter(rest.batches()))).scalars()
