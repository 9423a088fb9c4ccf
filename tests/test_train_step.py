"""A step of the Trainer: what it does to whom, in every precision, and that broken gradients change nothing."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from configs import InputError
from tests.faults.tiny_runs import differing
from tests.short_runs import lines, tiny, trained
from tests.waits import Waits
from train import frozen, start
from training.interruption import StopRequest
from voices.checkpoint import list_checkpoints, load_checkpoint


def test_the_generators_update_leaves_the_discriminator_alone(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run"))
    updates: list[tuple[str, dict[str, torch.Tensor], list[bool]]] = []

    def watched(name: str, update: Callable[[], torch.Tensor], other: torch.nn.Module) -> Callable[[], torch.Tensor]:
        def updated() -> torch.Tensor:
            norm = update()
            state = {key: weight.detach().clone() for key, weight in trainer.discriminator.state_dict().items()}
            updates.append((name, state, [weight.grad is not None for weight in other.parameters()]))
            # So that whatever appears later comes from the generator's loss.
            trainer.discriminator_optimizer.zero_grad(set_to_none=True)
            return norm

        return updated

    trainer.update_discriminator = watched(  # type: ignore[method-assign]
        "discriminator", trainer.update_discriminator, trainer.synthesizer
    )
    trainer.update_generator = watched(  # type: ignore[method-assign]
        "generator", trainer.update_generator, trainer.discriminator
    )
    trainer.run_step(next(trainer.batches()))
    assert [name for name, _, _ in updates] == ["discriminator", "generator"]
    assert not any(updates[0][2]), "the discriminator's loss left gradients in the synthesizer"
    assert not any(updates[1][2]), "the generator's loss left gradients in the discriminator"
    assert differing(updates[0][1], updates[1][1]) == []
    assert all(weight.requires_grad for weight in trainer.discriminator.parameters())


def test_a_step_waits_for_nothing(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run"))
    batch = next(trainer.batches())
    with Waits() as counted:
        report = trainer.run_step(batch)
    assert counted.seen == []
    with counted:
        float(report.losses["loss/generator/total"])
    assert counted.seen == ["aten._local_scalar_dense.default"]


def test_frozen_lets_gradients_through_and_thaws_after_an_error() -> None:
    layer, x = torch.nn.Linear(3, 1), torch.ones(2, 3, requires_grad=True)
    with frozen(layer):
        layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None
    with pytest.raises(RuntimeError, match="boom"), frozen(layer):
        raise RuntimeError("boom")
    assert layer.weight.requires_grad


@pytest.mark.parametrize("limit", [1e-3, math.inf])
def test_gradients_are_clipped_to_the_limit_and_the_norm_before_is_reported(
    corpus_folder: Path, tmp_path: Path, limit: float
) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run", f"train.max_gradient_norm={limit}"))
    report = trainer.run_step(next(trainer.batches()))
    for network, norm in (
        (trainer.discriminator, report.gradient_norms["discriminator"]),
        (trainer.synthesizer, report.gradient_norms["generator"]),
    ):
        left = math.sqrt(
            sum(
                float(weight.grad.double().square().sum()) for weight in network.parameters() if weight.grad is not None
            )
        )
        assert float(norm) > 1e-2
        assert left == pytest.approx(min(limit, float(norm)), rel=1e-3)


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_every_precision_trains_with_finite_losses_and_full_precision_weights(
    corpus_folder: Path, tmp_path: Path, precision: str
) -> None:
    trainer = trained(tiny(corpus_folder, tmp_path / "run", f"train.precision={precision}", "train.steps=3"))
    assert trainer.scaler.is_enabled() == (precision == "fp16")
    reports = [line for line in lines(tmp_path / "run") if "loss/generator/mel" in line]
    assert len(reports) == 3
    assert all(math.isfinite(value) for line in reports for key, value in line.items() if key.startswith("loss/"))
    assert {weight.dtype for weight in trainer.synthesizer.parameters()} == {torch.float32}


def test_training_on_clips_shorter_than_a_segment_hears_no_padding(corpus_folder: Path, tmp_path: Path) -> None:
    # 32 768 samples are 1.5 s: most of the embedded clips are shorter or not much longer.
    config = tiny(corpus_folder, tmp_path / "run", "train.segment_samples=32768", "data.bucket_frames=[200, 400]")
    trainer = start(config)
    short = min(trainer.corpus.train, key=lambda clip: len(clip.audio))
    assert len(short.audio) < 32768
    batch = trainer.batch([short])
    spectrogram = trainer.features.spectrogram(batch)
    spoken = trainer.synthesizer(
        batch.phoneme_ids, batch.phoneme_lengths, spectrogram, trainer.features.frame_lengths(batch)
    )
    segments = trainer.features.segments(batch, spectrogram, spoken)
    end = len(short.audio) // 256 * 256
    assert segments.generated[..., :end].abs().max() > 0
    assert segments.generated[..., end:].abs().max() == 0
    assert segments.real[..., end:].abs().max() == 0
    assert int(segments.frame_mask.sum()) == end // 256
    assert math.isfinite(float(trainer.run_step(batch).losses["loss/generator/total"]))


def test_a_batch_that_breaks_the_losses_is_skipped(corpus_folder: Path, tmp_path: Path) -> None:
    settings = ("train.steps=5", "train.checkpoint_every=5", "train.report_every=5", "train.precision=fp32")
    trainer = start(tiny(corpus_folder, tmp_path / "run", *settings))
    batches, seen = trainer.batches(), []

    def poisoned() -> Any:
        for batch in batches:
            if trainer.step in (3, 4):
                seen.append([weight.detach().clone() for weight in trainer.synthesizer.parameters()])
            if trainer.step == 3:
                batch.audio[:] = math.nan
            yield batch

    trainer.batches = poisoned  # type: ignore[method-assign]
    trainer.train(StopRequest())
    before, after = seen
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    state = load_checkpoint(list_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    assert all(bool(weight.isfinite().all()) for weight in state["synthesizer"].values())
    counts = {float(one["step"]) for one in state["synthesizer_optimizer"]["state"].values()}
    assert counts == {4.0}
    report = next(line for line in lines(tmp_path / "run") if "loss/generator/mel" in line)
    assert report["skipped_updates/generator"] == report["skipped_updates/discriminator"] == pytest.approx(1 / 5)
    assert math.isfinite(report["loss/generator/mel"])


def test_fp16_looks_for_its_scale_and_no_broken_weight_reaches_the_disk(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run", "train.steps=3", "train.precision=fp16"))
    broken = trainer.synthesizer.get_parameter("decoder.output.weight")
    broken.register_hook(lambda gradient: gradient * (math.inf if trainer.step == 2 else 1.0))
    trainer.train(StopRequest())
    state = load_checkpoint(list_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    assert state["step"] == 3
    assert all(bool(weight.isfinite().all()) for weight in state["synthesizer"].values())
    assert state["scaler"]["scale"] < 65536


def test_a_run_whose_gradients_are_never_numbers_stops(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.updates._MOST_SKIPPED_IN_A_ROW", 3)
    run = tmp_path / "run"
    trainer = start(tiny(corpus_folder, run, "train.steps=9", "train.checkpoint_every=2", "train.report_every=1"))
    broken = trainer.synthesizer.get_parameter("decoder.output.weight")
    broken.register_hook(lambda gradient: gradient * (math.inf if trainer.step >= 2 else 1.0))
    with pytest.raises(InputError, match=r"diverged before step 5.*gradients of the generator .*00000004\.pt"):
        trainer.train(StopRequest())
    state = load_checkpoint(list_checkpoints(run / "checkpoints")[-1])
    assert all(bool(weight.isfinite().all()) for weight in state["synthesizer"].values())
