"""Whatever comes in, every loss is computed in float32: half precision is raised first, autocast changes nothing."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from losses import (
    MultiScaleMelLoss,
    contrastive_loss,
    cosine_loss,
    cycle_consistency_loss,
    discriminator_loss,
    distance_loss,
    duration_loss,
    feature_loss,
    generator_loss,
    identity_loss,
    info_nce_loss,
    kl_loss,
    mel_loss,
    ms_ssim_loss,
    perceptual_loss,
    ssim_loss,
    stft_loss,
    subband_stft_loss,
)
from losses.multi_scale_mel import MelScale

_MEL = MultiScaleMelLoss(16000, [MelScale(32, 5), MelScale(64, 10)])
_SAME = torch.arange(40) % 2
LOSSES: dict[str, Callable[..., Tensor]] = {
    "discriminator": lambda a, b, c, d: discriminator_loss([a, b], [c, d])[0],
    "generator": lambda a, b, c, d: generator_loss([a, b, c, d])[0],
    "feature": lambda a, b, c, d: feature_loss([[a, b]], [[c, d]]),
    "feature, mean": lambda a, b, c, d: feature_loss([[a, b]], [[c, d]], kind="mean"),
    "feature, relative": lambda a, b, c, d: feature_loss([[a, b]], [[c, d]], kind="relative"),
    "mel": lambda a, b, c, d: mel_loss(a, b) + mel_loss(c, d),
    "L2": lambda a, b, c, d: distance_loss(a, b, kind="l2") + distance_loss(c, d, kind="l2"),
    "log-cosh": lambda a, b, c, d: distance_loss(a, b, kind="log_cosh") + distance_loss(c, d, kind="log_cosh"),
    "cosine": lambda a, b, c, d: cosine_loss(a, b) + cosine_loss(c, d),
    "SSIM": lambda a, b, c, d: ssim_loss(a, b, data_range=4.0) + ssim_loss(c, d, data_range=4.0),
    "MS-SSIM": lambda a, b, c, d: ms_ssim_loss(a, a / 2, data_range=4.0, scales=2),
    "STFT": lambda a, b, c, d: stft_loss(a[:, :1], b[:, :1]) + stft_loss(c[:, :1], d[:, :1]),
    "multi-scale mel": lambda a, b, c, d: _MEL(a[:, :1], b[:, :1]) + _MEL(c[:, :1], d[:, :1]),
    "sub-band": lambda a, b, c, d: subband_stft_loss(a, b) + subband_stft_loss(c, d),
    "contrastive": lambda a, b, c, d: (
        contrastive_loss(a[0], b[0], _SAME, margin=9.0) + contrastive_loss(c[0], d[0], 1 - _SAME)
    ),
    "InfoNCE": lambda a, b, c, d: (
        info_nce_loss(a[0], b[0], _SAME, _SAME) + info_nce_loss(c[0], d[0], _SAME, _SAME, temperature=1.0)
    ),
    "cycle": lambda a, b, c, d: cycle_consistency_loss(a, b) + identity_loss(c, d),
    "perceptual": lambda a, b, c, d: perceptual_loss([a, b], [c, d]),
    "kl": lambda a, b, c, d: kl_loss(a, b, c, d, torch.ones(3, 1, 50, dtype=a.dtype)),
    "duration": lambda a, b, c, d: duration_loss(a.sum(dim=(1, 2)), torch.ones(3, 1, 50, dtype=a.dtype)),
}


def inputs(dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(3, 40, 50, generator=generator).to(dtype) for _ in range(4)]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_gives_exactly_what_its_values_give_in_float32(name: str, dtype: torch.dtype) -> None:
    half = inputs(dtype)
    if name == "duration":  # its input is a sum already; three of them are more than half precision can tell
        half = [torch.full((3, 1, 1), value, dtype=dtype) for value in (1001.0, 1.0, 1.0, 1.0)]
    loss = LOSSES[name](*half)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, LOSSES[name](*(x.float() for x in half)))


@pytest.mark.parametrize("name", LOSSES)
def test_autocast_changes_nothing(name: str) -> None:
    expected = LOSSES[name](*inputs(torch.float32))
    with torch.autocast("cpu", torch.bfloat16):
        loss = LOSSES[name](*inputs(torch.float32))
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_parts_are_float32_as_well(dtype: torch.dtype) -> None:
    half = inputs(dtype)
    parts = [
        *discriminator_loss(half[:2], half[2:])[1],
        *discriminator_loss(half[:2], half[2:])[2],
        *generator_loss(half)[1],
    ]
    assert {part.dtype for part in parts} == {torch.float32}


def test_sums_that_half_precision_cannot_hold_stay_finite_and_right() -> None:
    """In float16 a square of 300 overflows, and a sum of 3000 ones stops at 2048."""
    big = torch.full((1, 3000), 300.0, dtype=torch.float16)
    assert generator_loss([big])[0].item() == 299.0**2
    ones = torch.ones(1, 3000, 1, dtype=torch.float16)
    zeros = torch.zeros(1, 3000, 1, dtype=torch.float16)
    # Each of 3000 channels costs log s_p - 1/2 + 1 / (2 s_p^2) with s_p = 1: nothing at all.
    assert kl_loss(ones, zeros, zeros, zeros, torch.ones(1, 1, 1)).item() == 0.0
    assert kl_loss(2 * ones, zeros, zeros, zeros, torch.ones(1, 1, 1)).item() == 4500.0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"duration"}))
def test_gradients_of_half_precision_inputs_are_finite(name: str, dtype: torch.dtype) -> None:
    half = [x.requires_grad_() for x in inputs(dtype)]
    gradients = torch.autograd.grad(LOSSES[name](*half), half, allow_unused=True)
    assert all(bool(gradient.isfinite().all()) for gradient in gradients if gradient is not None)
    assert any(gradient is not None and bool(gradient.any()) for gradient in gradients)
