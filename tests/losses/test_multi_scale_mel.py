"""The multi-scale mel loss against librosa's transforms and mel filters, and by pencil."""

import math
import warnings

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from losses import MultiScaleMelLoss
from losses.multi_scale_mel import SCALES, MelScale
from tests.rounding import SAME, assert_same, float64

RATE = 22050
LENGTHS = (4096, 1300)


def waveforms() -> tuple[Tensor, Tensor, Tensor]:
    """Two clips of noise with harmonics, the second shorter, and their mask."""
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(4096) < torch.tensor(LENGTHS)[:, None]).double().unsqueeze(1)
    tones = sum(torch.sin(2 * math.pi * 200 * k * torch.arange(4096) / RATE) / k for k in range(1, 20))
    real, generated = (
        (0.1 * tones + 0.02 * torch.randn(2, 1, 4096, generator=generator, dtype=torch.float64)) * mask
        for _ in range(2)
    )
    return real, 0.5 * real + 0.5 * generated.roll(7, dims=2) * mask, mask


def loss_in_float64(sample_rate: int = RATE, scales: tuple[MelScale, ...] = SCALES) -> MultiScaleMelLoss:
    """With filters in float64; call it within `float64`."""
    return MultiScaleMelLoss(sample_rate, scales).double()


def log_mel(signal: NDArray[np.float64], scale: MelScale, sample_rate: int) -> NDArray[np.float64]:
    hop = scale.window // 4
    spectrum = librosa.stft(signal, n_fft=scale.window, hop_length=hop, pad_mode="constant")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some bands of short windows lie between two bins
        bank = librosa.filters.mel(sr=sample_rate, n_fft=scale.window, n_mels=scale.bands, dtype=np.float64)
    return np.log10(np.maximum(bank @ np.abs(spectrum[:, : -(-len(signal) // hop)]), 1e-5))


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100])
def test_it_is_what_librosa_gives_for_each_clip_alone(sample_rate: int) -> None:
    real, generated, mask = waveforms()
    expected = 0.0
    for scale in SCALES:
        differences = []
        for clip, length in enumerate(LENGTHS):
            ours, theirs = (log_mel(x[clip, 0, :length].numpy(), scale, sample_rate) for x in (real, generated))
            differences.append(np.abs(ours - theirs).flatten())
        expected += float(np.mean(np.concatenate(differences)))
    with float64():
        found = float(loss_in_float64(sample_rate)(real, generated, mask))
    assert found == pytest.approx(expected, rel=1e-9)
    assert float(MultiScaleMelLoss(sample_rate)(real, generated, mask)) == pytest.approx(expected, rel=1e-4)


def test_the_scales_are_those_of_the_paper() -> None:
    assert [scale.window for scale in SCALES] == [32, 64, 128, 256, 512, 1024, 2048]
    assert [scale.bands for scale in SCALES] == [5, 10, 20, 40, 80, 160, 320]
    assert [scale.resolution.hop for scale in SCALES] == [8, 16, 32, 64, 128, 256, 512]


def test_ten_times_as_loud_is_one_for_each_scale_where_no_band_is_silent() -> None:
    real = torch.randn(1, 1, 8192, generator=torch.Generator().manual_seed(0))
    scales = tuple(scale for scale in SCALES if 64 <= scale.window <= 512)
    assert float(MultiScaleMelLoss(RATE, scales)(real, 10 * real)) == pytest.approx(len(scales), rel=0.01)


@float64()
def test_padding_changes_nothing_and_the_real_side_receives_no_gradient() -> None:
    loss = loss_in_float64()
    real, generated, mask = (x[1:] for x in waveforms())
    alone = loss(real[:, :, :1300], generated[:, :, :1300])
    assert_same(loss(real, generated, mask), alone)
    real, generated = real.requires_grad_(), generated.requires_grad_()
    by_real, by_generated = torch.autograd.grad(loss(real, generated, mask), (real, generated), allow_unused=True)
    assert by_real is None
    assert by_generated is not None


@float64()
def test_its_gradients_are_those_of_finite_differences() -> None:
    loss = loss_in_float64(scales=(MelScale(32, 5), MelScale(64, 10)))
    real, generated, mask = (x[:1, :, :200] for x in waveforms())
    assert torch.autograd.gradcheck(
        lambda x: loss(real, x, mask), generated.clone().requires_grad_(), fast_mode=True, atol=1e-6
    )


def test_silence_has_finite_gradients() -> None:
    real, _, mask = waveforms()
    silence = torch.zeros_like(real)
    for target, made in ((real, silence), (silence, real), (silence, silence)):
        given = made.float().requires_grad_()
        loss = MultiScaleMelLoss(RATE)(target.float(), given, mask)
        (gradient,) = torch.autograd.grad(loss, given)
        assert bool(loss.isfinite())
        assert bool(gradient.isfinite().all())


@float64()
def test_full_segments_add_up_from_parts() -> None:
    real, generated, _ = waveforms()
    loss = loss_in_float64()
    parts = [float(loss(real[i : i + 1], generated[i : i + 1])) for i in (0, 1)]
    assert float(loss(real, generated)) == pytest.approx(sum(parts) / 2, rel=SAME)
