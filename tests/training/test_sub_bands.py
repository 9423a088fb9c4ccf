"""The sub-band loss in training: it compares what was recorded with what was decoded, it teaches, and off is off."""

from pathlib import Path

import pytest
import torch

from losses import subband_stft_loss
from models.layers.pqmf import Pqmf
from tests.training.test_together import noise, quiet, trainer_of
from tests.waits import Waits
from train import Trainer
from training.accumulation import WHOLE_BATCH

BANDS = (
    *("decoder.kind=mb-istft", "decoder.initial_channels=32", "decoder.residual_block=2"),
    *("decoder.residual_kernel_sizes=[3]", "decoder.residual_dilations=[[1,2]]", "train.precision=fp32"),
)


def trainer(run: Path, *overrides: str) -> Trainer:
    """A small one with a decoder of several bands."""
    return trainer_of(quiet(run, *BANDS, *overrides), noise(4))


def test_the_loss_of_a_step_is_that_of_the_bands_of_its_segments_and_counts_by_its_weight(tmp_path: Path) -> None:
    learner = trainer(tmp_path, "loss.subband_stft=2.5")
    batch = learner.batch(noise(4))
    torch.manual_seed(7)
    output, bank = learner.generator_forward(batch), Pqmf(4)
    segments = output.segments
    losses = {name: float(value) for name, value in learner.generator_step(output, WHOLE_BATCH).items()}
    mask = segments.frame_mask.repeat_interleave(64, dim=2)
    expected = subband_stft_loss(bank.analysis(segments.real), bank.analysis(segments.generated), mask).item()
    assert losses["loss/generator/subband_stft"] == pytest.approx(expected)
    total = sum(
        weight * losses[f"loss/generator/{name}"] for name, weight in learner.config.loss.weights.items() if weight
    )
    assert losses["loss/generator/total"] == pytest.approx(total, rel=1e-5)


def test_a_step_with_it_waits_for_nothing(tmp_path: Path) -> None:
    learner = trainer(tmp_path, "loss.subband_stft=1")
    batch = learner.batch(noise(4))
    with Waits() as counted:
        learner.run_step(batch)
    assert counted.seen == []


def test_without_a_weight_nothing_of_it_is_there(tmp_path: Path) -> None:
    learner = trainer(tmp_path, "loss.subband_stft=0")
    scalars = learner.run_step(learner.batch(noise(4))).scalars()
    assert not len(learner.auxiliary_losses.terms)
    assert "loss/generator/subband_stft" not in scalars
    assert learner.config.loss.subband_stft == 0.0


def test_a_decoder_of_several_bands_learns_by_it(tmp_path: Path) -> None:
    # Nothing else teaches the decoder here.
    own = ("loss.subband_stft=1", "loss.mel=0", "loss.adversarial=0", "loss.feature_matching=0")
    learner = trainer(tmp_path, *own, "train.learning_rate=2e-3")
    batch, losses = learner.batch(noise(4)), []
    for step in range(6):
        learner.step = step
        losses.append(learner.run_step(batch).scalars()["loss/generator/subband_stft"].item())
    assert losses[-1] < 0.8 * losses[0]


def test_parts_of_a_batch_are_taught_nearly_what_the_batch_is(tmp_path: Path) -> None:
    found = []
    for count in (1, 2):
        learner = trainer(tmp_path, "loss.subband_stft=1", f"train.accumulate={count}")
        torch.manual_seed(3)
        found.append(learner.run_step(learner.batch(noise(4))).scalars()["loss/generator/subband_stft"].item())
    assert found[1] == pytest.approx(found[0], rel=0.1)
