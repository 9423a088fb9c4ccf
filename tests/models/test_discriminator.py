"""The discriminators: their size, what each of them sees, and how many there are."""

import contextlib

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm

from configs import DiscriminatorSettings, InputError
from models.discriminator import Discriminator, PeriodDiscriminator, ScaleDiscriminator
from tests.rounding import assert_same, float64
from tests.voices.random_voice import noise, randomised, small_config


def outputs_column_by_column(sub_discriminator: PeriodDiscriminator, audio: Tensor) -> list[Tensor]:
    """Every layer's output, from one-dimensional convolutions over each period-th sample on its own."""
    missing = -audio.shape[2] % sub_discriminator.period
    padded = torch.from_numpy(np.pad(audio.numpy(), ((0, 0), (0, 0), (0, missing)), mode="reflect"))
    layers = [*sub_discriminator.layers, sub_discriminator.output]
    columns: list[list[Tensor]] = []
    for phase in range(sub_discriminator.period):
        x, seen = padded[:, :, phase :: sub_discriminator.period], []
        for i, layer in enumerate(layers):
            assert isinstance(layer, nn.Conv2d)
            x = F.conv1d(x, layer.weight[..., 0], layer.bias, layer.stride[0], padding=layer.weight.shape[2] // 2)
            x = x if i == len(layers) - 1 else F.leaky_relu(x, 0.1)
            seen.append(x)
        columns.append(seen)
    return [torch.stack(outputs, dim=-1) for outputs in zip(*columns, strict=True)]


def test_discriminators_of_the_paper_have_46_747_132_weights() -> None:
    with torch.device("meta"):
        discriminator = Discriminator(DiscriminatorSettings())
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == 46_747_132


@pytest.mark.parametrize("samples", [220, 221, 223])
@pytest.mark.parametrize("period", [2, 3, 5, 7, 11])
@torch.no_grad()
@float64()
def test_period_discriminator_sees_every_period_th_sample_with_the_end_reflected(period: int, samples: int) -> None:
    sub_discriminator, audio = randomised(lambda: PeriodDiscriminator(period, 32)), noise(2, 1, samples)
    logits, feature_maps = sub_discriminator(audio)
    expected = outputs_column_by_column(sub_discriminator, audio)
    assert len(feature_maps) == len(expected) == 6
    for ours, theirs in zip(feature_maps, expected, strict=True):
        assert_same(ours, theirs)
    assert torch.equal(logits, feature_maps[-1].flatten(1))


@torch.no_grad()
@float64()
def test_scale_discriminator_gets_the_audio_pooled_as_often_as_it_says() -> None:
    plain, pooled = (randomised(lambda n=n: ScaleDiscriminator(n, 16)) for n in (0, 2))  # type: ignore[misc]
    audio = noise(2, 1, 512)
    smooth = audio
    for _ in range(2):  # the mean of four samples, every second one, zeros beyond the ends
        smooth = F.conv1d(smooth, torch.full((1, 1, 4), 0.25), stride=2, padding=2)
    assert_same(pooled(audio)[0], plain(smooth)[0])
    assert plain(audio)[0].shape != pooled(audio)[0].shape


@pytest.mark.parametrize("scales", [0, 1, 3])
@pytest.mark.parametrize("periods", [(2,), (2, 3, 5, 7, 11)])
@torch.no_grad()
def test_there_is_a_sub_discriminator_for_each_scale_and_each_period(scales: int, periods: tuple[int, ...]) -> None:
    discriminator = Discriminator(DiscriminatorSettings(scales=scales, periods=periods, channel_divisor=16))
    output = discriminator(noise(2, 1, 300))
    assert len(output.logits) == len(output.feature_maps) == scales + len(periods)
    for logits, feature_maps in zip(output.logits, output.feature_maps, strict=True):
        assert torch.equal(logits, feature_maps[-1].flatten(1))
    # Six layers and the output at a scale, five and the output at a period.
    assert [len(feature_maps) for feature_maps in output.feature_maps] == [7] * scales + [6] * len(periods)


def test_only_the_first_of_three_scales_has_spectral_norm() -> None:
    def norms(scales: int) -> list[bool]:
        discriminator = Discriminator(DiscriminatorSettings(scales=scales, periods=(2,), channel_divisor=16))
        kinds = []
        for sub_discriminator in discriminator.sub_discriminators:
            layers = [layer for layer in sub_discriminator.modules() if parametrize.is_parametrized(layer, "weight")]
            spectral = {isinstance(layer.parametrizations.weight[0], _SpectralNorm) for layer in layers}  # type: ignore[index, union-attr]
            assert len(spectral) == 1
            kinds.append(spectral.pop())
        return kinds

    assert norms(3) == [True, False, False, False]
    assert norms(1) == [False, False]


def test_every_channel_divisor_that_the_settings_accept_builds_discriminators() -> None:
    accepted = []
    for divisor in (1, 2, 3, 4, 6, 8, 16, 17, 32, 64):
        with contextlib.suppress(InputError), torch.device("meta"):
            Discriminator(small_config(discriminator={"channel_divisor": divisor}).discriminator)
            accepted.append(divisor)
    assert accepted == [1, 2, 4, 8, 16]


@torch.no_grad()
@float64()
def test_a_clip_is_classified_the_same_whatever_its_neighbours_are() -> None:
    discriminator = randomised(lambda: Discriminator(DiscriminatorSettings(channel_divisor=16)))
    audio = noise(4, 1, 500)
    batched = discriminator(audio)
    for b in range(4):
        alone = discriminator(audio[b : b + 1])
        for ours, theirs in zip(batched.logits, alone.logits, strict=True):
            assert_same(ours[b : b + 1], theirs)


@float64()
def test_two_batches_classified_in_one_pass_are_classified_as_in_two() -> None:
    torch.manual_seed(0)
    discriminators = Discriminator(DiscriminatorSettings(channel_divisor=8))
    real, fake = torch.randn(3, 1, 2000), torch.randn(3, 1, 2000)
    for together, apart in zip(
        discriminators.compare(real, fake), (discriminators(real), discriminators(fake)), strict=True
    ):
        for ours, theirs in zip(together.logits, apart.logits, strict=True):
            assert_same(ours, theirs)
        for sub_discriminator, other in zip(together.feature_maps, apart.feature_maps, strict=True):
            for ours, theirs in zip(sub_discriminator, other, strict=True):
                assert_same(ours, theirs)


def test_every_weight_of_the_discriminators_learns_from_the_logits() -> None:
    discriminator = randomised(lambda: Discriminator(DiscriminatorSettings(scales=3, channel_divisor=16)))
    total = torch.stack([logits.square().mean() for logits in discriminator(noise(2, 1, 700)).logits]).sum()
    gradients = torch.autograd.grad(total, list(discriminator.parameters()))
    assert all(bool(gradient.isfinite().all()) and float(gradient.abs().max()) > 0 for gradient in gradients)
