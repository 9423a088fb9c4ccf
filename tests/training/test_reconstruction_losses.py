"""The optional losses that compare decoded with recorded segments: what a step has of them, and what they teach."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from configs import Config, InputError
from configs.decoders import HarmonicNoiseSettings
from data.clips import Clip
from losses import feature_loss, ms_ssim_loss, ssim_loss, stft_loss
from losses.multi_scale_mel import MultiScaleMelLoss
from losses.structural_similarity import most_scales
from tests.training.test_together import noise, quiet, silence_chance, trainer_of
from tests.waits import Waits
from train import Trainer
from training.features import Segments

ALL = (
    *("loss.waveform=2", "loss.stft=0.5", "loss.multi_scale_mel=0.1", "loss.ssim=3", "loss.ms_ssim=4", "loss.cosine=5"),
    *("loss.ms_ssim_scales=2", "loss.waveform_distance=log_cosh", "loss.mel_distance=l2"),
    *("loss.feature_matching_kind=mean", "train.segment_samples=8192", "train.precision=fp32"),
)
NAMES = ("waveform", "stft", "multi_scale_mel", "ssim", "ms_ssim", "cosine")


def ragged() -> list[Clip]:
    """Four clips, of which one is shorter than a segment: 19 frames of 32."""
    clips = noise(4)
    return [*clips[:3], replace(clips[3], audio=clips[3].audio[:5000])]


def own(x: Tensor, mask: Tensor) -> Tensor:
    """The values [N] of [B, C, T] at the times that count."""
    return x.transpose(1, 2)[mask.squeeze(1) > 0].flatten()


def expected(segments: Segments) -> dict[str, float]:
    """Each term, by torch's losses where it has them."""
    real, generated, mask = segments.real, segments.generated, segments.sample_mask
    mels = segments.mel_real, segments.mel_generated
    span = math.log(1e5)
    above, other = (mel + span for mel in mels)  # the floor of 1e-5
    angles = 1 - nn.CosineSimilarity(dim=1)(*mels)
    error = own(real - generated, mask).double()
    return {
        "mel": float(nn.MSELoss()(*(own(mel, segments.frame_mask) for mel in mels))),
        "waveform": float(error.cosh().log().mean()),
        "stft": float(stft_loss(real, generated, mask)),
        "multi_scale_mel": float(MultiScaleMelLoss(22050)(real, generated, mask)),
        "ssim": float(ssim_loss(above, other, segments.frame_mask, data_range=span)),
        "ms_ssim": float(ms_ssim_loss(above, other, segments.frame_mask, data_range=span, scales=2)),
        "cosine": float(own(angles.unsqueeze(1), segments.frame_mask).mean()),
    }


@torch.no_grad()
def feature_matching(learner: Trainer, segments: Segments) -> float:
    maps = [learner.discriminator(audio).feature_maps for audio in (segments.real, segments.generated)]
    return float(feature_loss(*maps, kind="mean"))


def test_a_step_has_each_loss_of_its_segments_by_the_distances_that_are_set(tmp_path: Path) -> None:
    clips = ragged()
    learner = trainer_of(quiet(tmp_path, *ALL), clips)
    torch.manual_seed(7)
    output = learner.generator_forward(learner.batch(clips))
    losses = {name: float(value) for name, value in learner.generator_step(output).items()}
    by_hand = expected(output.segments) | {"feature_matching": feature_matching(learner, output.segments)}
    assert {name: losses[f"loss/generator/{name}"] for name in by_hand} == pytest.approx(by_hand, rel=1e-3)
    total = sum(
        weight * losses[f"loss/generator/{name}"] for name, weight in learner.config.loss.weights.items() if weight
    )
    assert losses["loss/generator/total"] == pytest.approx(total, rel=1e-5)


def test_a_step_with_all_of_them_waits_for_nothing(tmp_path: Path) -> None:
    learner = trainer_of(quiet(tmp_path, *ALL), noise(4))
    batch = learner.batch(noise(4))
    with Waits() as counted:
        learner.run_step(batch)
    assert counted.seen == []


def test_what_has_no_weight_is_not_built(tmp_path: Path) -> None:
    learner = trainer_of(quiet(tmp_path, "loss.cosine=1"), noise(2))
    assert list(learner.auxiliary_losses.terms) == ["cosine"]
    learner = trainer_of(quiet(tmp_path), noise(2))
    assert not {f"loss/generator/{name}" for name in NAMES} & learner.run_step(learner.batch(noise(2))).scalars().keys()


# The STFT loss divides by norms of the whole batch, and the multi-scale mel loss has frames of its own.
@pytest.mark.parametrize(
    ("clips", "without"), [(noise(4), ["stft"]), (ragged(), ["stft", "multi_scale_mel"])], ids=["full", "ragged"]
)
def test_micro_batches_add_up_to_the_losses_and_gradients_of_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clips: list[Clip], without: list[str]
) -> None:
    silence_chance(monkeypatch)
    scalars, gradients = [], []
    settings = (*ALL, *(f"loss.{name}=0" for name in without), "train.learning_rate=1e-30")
    for count in (1, 2):
        learner = trainer_of(quiet(tmp_path, *settings, f"train.accumulate={count}"), clips)
        report = learner.run_step(learner.batch(clips)).scalars()
        scalars.append({name: float(value) for name, value in report.items() if name.startswith("loss/generator/")})
        weights = [weight for weight in learner.synthesizer.parameters() if weight.grad is not None]
        gradients.append(torch.cat([weight.grad.flatten() for weight in weights if weight.grad is not None]))
    assert scalars[1] == pytest.approx(scalars[0], rel=1e-4)
    assert float((gradients[1] - gradients[0]).norm() / gradients[0].norm()) < 1e-3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_few_steps_with_all_of_them_are_finite(tmp_path: Path, precision: str) -> None:
    learner = trainer_of(quiet(tmp_path, *ALL, f"train.precision={precision}", "train.accumulate=2"), noise(4))
    batch = learner.batch(noise(4))
    for step in range(3):
        learner.step = step
        scalars = learner.run_step(batch).scalars()
        assert {f"loss/generator/{name}" for name in NAMES} <= scalars.keys()
        assert all(bool(value.isfinite()) for value in scalars.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_learns_by_each_of_them_alone(tmp_path: Path, name: str) -> None:
    others = ("loss.mel=0", "loss.adversarial=0", "loss.feature_matching=0", "loss.ms_ssim_scales=1")
    # As large as that of tiny.toml: a smaller one learns too little in so few steps.
    residual = ("decoder.residual_kernel_sizes=[3, 5]", "decoder.residual_dilations=[[1, 2], [2, 6]]")
    decoder = ("decoder.initial_channels=64", *residual, "model.latent_channels=48", "model.hidden_channels=48")
    learner = trainer_of(quiet(tmp_path, *others, *decoder, f"loss.{name}=10", "train.learning_rate=2e-3"), noise(4))
    batch, losses = learner.batch(noise(4)), []
    for step in range(12):
        learner.step = step
        torch.manual_seed(0)  # the same segments and noise
        losses.append(learner.run_step(batch).scalars()[f"loss/generator/{name}"].item())
    assert losses[-1] < 0.97 * losses[0]


def refusal(build: Callable[[], Config]) -> str:
    with pytest.raises(InputError) as caught:
        build()
    return str(caught.value)


def test_windows_that_do_not_fit_into_a_segment_are_refused_with_the_keys_that_say_so(tmp_path: Path) -> None:
    told = refusal(lambda: quiet(tmp_path, "loss.ms_ssim=1"))
    assert told.endswith(
        "loss.ms_ssim = 1 with loss.ms_ssim_scales = 5 needs 176 mel bands and segments of 176 frames at least, not "
        "audio.mel_bands = 80 and train.segment_samples = 4096, 16 frames: set loss.ms_ssim_scales = 1, or raise what "
        "is too small"
    )
    told = refusal(lambda: quiet(tmp_path, "loss.ssim=2", "audio.mel_bands=10"))
    assert "loss.ssim = 2 needs 11 mel bands and segments of 11 frames at least, not audio.mel_bands = 10" in told


def test_a_window_that_is_too_short_for_the_pitch_of_a_low_voice_is_refused(tmp_path: Path) -> None:
    decoder = HarmonicNoiseSettings(channels=16, expansion_channels=16, layers=1)
    for window in (734, 735):  # two periods of 60 Hz at 22 050 Hz
        config = quiet(tmp_path, "audio.n_fft=2048", f"audio.window_length={window}")
        loss = config.loss.model_copy(update={"pitch": 100.0})
        config = config.model_copy(update={"decoder": decoder, "loss": loss})
        if window == 735:
            trainer_of(config, noise(4))
        else:
            with pytest.raises(
                InputError, match=r"audio\.window_length = 734 is less than two periods of 60 Hz.* to 735"
            ):
                trainer_of(config, noise(4))


@pytest.mark.parametrize(("bands", "frames"), [(80, 16), (80, 32), (80, 44), (80, 96), (100, 88), (180, 96), (12, 40)])
def test_what_the_settings_allow_is_what_the_loss_allows(tmp_path: Path, bands: int, frames: int) -> None:
    sizes = (f"audio.mel_bands={bands}", f"train.segment_samples={256 * frames}", "loss.ms_ssim=1")
    allowed = []
    for scales in (1, 2, 3, 4, 5):
        try:
            quiet(tmp_path, *sizes, f"loss.ms_ssim_scales={scales}")
        except InputError:
            continue
        allowed.append(scales)
    assert allowed == list(range(1, most_scales(bands, frames) + 1))
