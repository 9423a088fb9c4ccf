"""The sub-band loss in training: it compares what was recorded with what was decoded, it teaches, and off is off."""

from pathlib import Path

import pytest
import torch

from models.layers.pqmf import Pqmf
from tests.benchmarks.plain_step import plain_step
from tests.test_train import Waits
from tests.training.test_together import noise, quiet, trainer_of
from train import Trainer

BANDS = (
    *("decoder.kind=mb-istft", "decoder.initial_channels=32", "decoder.residual_block=2"),
    *("decoder.residual_kernel_sizes=[3]", "decoder.residual_dilations=[[1,2]]", "train.precision=fp32"),
)


def trainer(run: Path, *overrides: str) -> Trainer:
    """A small one with a decoder of several bands."""
    return trainer_of(quiet(run, *BANDS, *overrides), noise(4))


def test_bands_are_those_of_what_was_recorded_and_of_what_was_decoded(tmp_path: Path) -> None:
    learner = trainer(tmp_path, "loss.subband_stft=1")
    batch = learner.batch(noise(4))
    spectrogram, spoken = learner.features.synthesize(learner.synthesizer, batch)
    segments, bank = learner.features.segments(batch, spectrogram, spoken), Pqmf(4)
    assert segments.sub_bands is not None
    assert torch.equal(segments.sub_bands.real, bank.analysis(segments.real))
    assert torch.equal(segments.sub_bands.fake, bank.analysis(segments.fake))
    assert torch.equal(segments.sub_bands.mask, segments.frame_mask.repeat_interleave(64, dim=2))


def test_a_step_with_the_loss_is_the_plain_step_with_it(tmp_path: Path) -> None:
    told = []
    for step in (plain_step, lambda learner, batch: learner.teach(batch).scalars()):
        learner = trainer(tmp_path, "loss.subband_stft=2.5")
        batch = learner.batch(noise(4))
        torch.manual_seed(7)
        told.append({name: value.item() for name, value in step(learner, batch).items()})
    plain, fast = told
    assert plain["loss/subband_stft"] > 0
    assert {name: fast[name] for name in plain} == pytest.approx(plain, rel=1e-4)


def test_a_step_with_it_waits_for_nothing(tmp_path: Path) -> None:
    learner = trainer(tmp_path, "loss.subband_stft=1")
    batch = learner.batch(noise(4))
    with Waits() as counted:
        learner.teach(batch)
    assert counted.seen == []


def test_without_a_weight_nothing_of_it_is_there(tmp_path: Path) -> None:
    learner = trainer(tmp_path, "loss.subband_stft=0")
    scalars = learner.teach(learner.batch(noise(4))).scalars()
    assert learner.features.bank is None
    assert "loss/subband_stft" not in scalars
    assert learner.config.loss.subband_stft == 0.0


def test_a_decoder_of_several_bands_learns_by_it(tmp_path: Path) -> None:
    # Nothing else teaches the decoder here.
    own = ("loss.subband_stft=1", "loss.mel=0", "loss.adversarial=0", "loss.feature_matching=0")
    learner = trainer(tmp_path, *own, "train.learning_rate=2e-3")
    batch, losses = learner.batch(noise(4)), []
    for step in range(6):
        learner.step = step
        losses.append(learner.teach(batch).scalars()["loss/subband_stft"].item())
    assert losses[-1] < 0.8 * losses[0]


def test_parts_of_a_batch_are_taught_nearly_what_the_batch_is(tmp_path: Path) -> None:
    found = []
    for count in (1, 2):
        learner = trainer(tmp_path, "loss.subband_stft=1", f"train.accumulate={count}")
        torch.manual_seed(3)
        found.append(learner.teach(learner.batch(noise(4))).scalars()["loss/subband_stft"].item())
    assert found[1] == pytest.approx(found[0], rel=0.1)
