"""What is compared in training comes from where the synthesizer decoded; to hear a place twice teaches nothing new."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from data.clips import Clip
from tests.training.test_together import noise, quiet, trainer_of


def clips_of(*lengths: int) -> list[Clip]:
    chance = np.random.default_rng(0)
    return [
        Clip(str(place), "aə", np.arange(5) % 5, chance.integers(-9000, 9000, length, np.int16), 0)
        for place, length in enumerate(lengths)
    ]


def test_every_recorded_segment_is_cut_where_the_synthesizer_decoded(tmp_path: Path) -> None:
    clips = clips_of(30_000, 9_000, 2_000)  # the last is shorter than a segment
    trainer = trainer_of(quiet(tmp_path, "train.segments=3", "train.precision=fp32"), clips)
    batch, size = trainer.batch(clips), 4096
    frames = [len(clip.audio) // 256 for clip in clips]
    spectrogram, spoken = trainer.features.synthesize(trainer.synthesizer, batch)
    segments = trainer.features.segments(batch, spectrogram, spoken)
    starts = spoken.segment_starts.tolist()
    assert starts[2] == [0, 0, 0]
    assert len({*starts[0], *starts[1]}) > 3
    whole = trainer.features.mel_scale(spectrogram)
    for row, (clip, start) in enumerate((clip, start) for clip, three in enumerate(starts) for start in three):
        there = min(frames[clip] - start, size // 256)  # frames of the segment that the recording has
        recorded = torch.zeros(size)
        recorded[: there * 256] = batch.audio[clip, 0, start * 256 : (start + there) * 256]
        assert torch.equal(segments.real[row, 0], recorded)
        assert torch.equal(segments.frame_mask[row, 0], (torch.arange(size // 256) < there).float())
        torch.testing.assert_close(segments.mel_real[row, :, :there], whole[clip, :, start : start + there])
        assert torch.equal(segments.generated[row, :, : there * 256], spoken.audio[row, :, : there * 256])
        assert not segments.generated[row, :, there * 256 :].any()
        torch.testing.assert_close(segments.mel_generated[row], trainer.features.mel(segments.generated[row])[0])


def test_two_segments_at_one_place_teach_what_one_segment_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_one_place(lengths: Tensor, size: int, count: int, _: object) -> Tensor:
        return ((lengths - size).clamp(min=0) // 3)[:, None].expand(-1, count)

    monkeypatch.setattr("models.synthesizer.random_segment_starts", at_one_place)
    clips = [*noise(3), *clips_of(3_000)]
    losses, gradients = [], []
    for count in (1, 2):
        own = (f"train.segments={count}", "train.learning_rate=1e-30", "train.precision=fp32")
        trainer = trainer_of(quiet(tmp_path, *own), clips)
        report = trainer.run_step(trainer.batch(clips))
        losses.append({name: float(value) for name, value in report.scalars().items()})
        weights = [*trainer.synthesizer.parameters(), *trainer.discriminator.parameters()]
        gradients.append([weight.grad for weight in weights if weight.grad is not None])
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_part_learns_from_several_segments_of_clips_shorter_than_one(tmp_path: Path, precision: str) -> None:
    clips = clips_of(2_000, 3_000)
    trainer = trainer_of(quiet(tmp_path, "train.segments=2", f"train.precision={precision}"), clips)
    scalars = trainer.run_step(trainer.batch(clips)).scalars()
    assert all(bool(value.isfinite()) for value in scalars.values())
    for network in (*trainer.synthesizer.children(), *trainer.discriminator.sub_discriminators):
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        assert gradients
        assert all(bool(gradient.isfinite().all()) for gradient in gradients)
        assert any(bool(gradient.any()) for gradient in gradients)
