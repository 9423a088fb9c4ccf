"""Spectral losses of waveforms and of sub-bands against librosa's transforms, the same by hand, and by pencil."""

import math

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from losses import stft_loss, subband_stft_loss
from losses.stft import RESOLUTIONS, SUBBAND_RESOLUTIONS, Resolution
from tests.rounding import SAME, assert_same, float64

LENGTHS = (700, 300, 20)


def bands(seed: int) -> Tensor:
    """Three clips of four bands, the higher the quieter, silent after each clip's end."""
    drawn = torch.randn(3, 4, 700, generator=torch.Generator().manual_seed(seed))
    return drawn * torch.tensor([1.0, 0.1, 0.03, 0.01])[:, None] * mask()


def mask() -> Tensor:
    return (torch.arange(700) < torch.tensor(LENGTHS)[:, None]).float().unsqueeze(1)


def magnitudes(signal: NDArray[np.float64], shape: Resolution) -> NDArray[np.float64]:
    """[G, K] of one band, a frame for each hop before the signal's end."""
    window = np.zeros(shape.n_fft)
    start = (shape.n_fft - shape.window) // 2
    window[start : start + shape.window] = np.hanning(shape.window + 1)[:-1]
    padded = np.pad(signal, shape.n_fft // 2)
    frames = [padded[place : place + shape.n_fft] * window for place in range(0, len(signal), shape.hop)]
    return np.sqrt(np.maximum(np.abs(np.fft.rfft(frames)) ** 2, 1e-7))


def by_hand(real: Tensor, fake: Tensor, lengths: tuple[int, ...]) -> float:
    total = 0.0
    for shape in SUBBAND_RESOLUTIONS:
        logs = []
        for band in range(real.shape[1]):
            pairs = [
                [magnitudes(x[clip, band, :length].double().numpy(), shape) for x in (real, fake)]
                for clip, length in enumerate(lengths)
            ]
            ours, theirs = (np.concatenate(side) for side in zip(*pairs, strict=True))
            total += float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours)) / real.shape[1]
            logs.append(np.abs(np.log(theirs) - np.log(ours)))
        total += float(np.mean(logs))
    return total / len(SUBBAND_RESOLUTIONS)


@float64()
def test_it_is_what_each_clip_alone_gives_by_hand() -> None:
    real, fake = bands(0), bands(1)
    assert float(subband_stft_loss(real, fake, mask())) == pytest.approx(by_hand(real, fake, LENGTHS), rel=SAME)
    assert float(subband_stft_loss(real, fake)) == pytest.approx(by_hand(real, fake, (700, 700, 700)), rel=SAME)


def test_twice_as_loud_is_as_far_as_the_signal_is_large_and_the_logarithm_of_two() -> None:
    real = torch.randn(2, 4, 600, generator=torch.Generator().manual_seed(0))
    assert float(subband_stft_loss(real, 2 * real)) == pytest.approx(1 + math.log(2), rel=1e-4)


def test_every_band_counts_alike_however_quiet() -> None:
    real = bands(0)
    found = []
    for band in range(4):
        fake = real.clone()
        fake[:, band] *= 2
        found.append(float(subband_stft_loss(real, fake, mask())))
    assert found == pytest.approx([found[0]] * 4, rel=0.05)


def test_what_is_the_same_costs_nothing_and_has_gradients_of_zero() -> None:
    real = bands(0)
    fake = real.clone().requires_grad_()
    loss = subband_stft_loss(real, fake, mask())
    (gradient,) = torch.autograd.grad(loss, fake)
    assert loss.item() == 0.0
    assert not gradient.any()


def test_silence_against_sound_and_sound_against_silence_stay_finite() -> None:
    sound, silence = bands(0), torch.zeros(3, 4, 700)
    for real, fake in ((sound, silence), (silence, sound)):
        made = fake.clone().requires_grad_()
        loss = subband_stft_loss(real, made, mask())
        (gradient,) = torch.autograd.grad(loss, made)
        assert bool(loss.isfinite())
        assert bool(gradient.isfinite().all())


@float64()
def test_padding_changes_nothing() -> None:
    real, fake = bands(0)[1:2], bands(1)[1:2]
    alone = subband_stft_loss(real[:, :, :300], fake[:, :, :300])
    assert_same(subband_stft_loss(real, fake, mask()[1:2]), alone)


def test_a_signal_follows_its_gradients_to_the_other() -> None:
    real, fake = bands(0), bands(1).requires_grad_()
    optimizer = torch.optim.Adam([fake], lr=0.01)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = subband_stft_loss(real, fake * mask(), mask())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def waveforms() -> tuple[Tensor, Tensor, Tensor]:
    """Two clips of noise that fades, the second shorter, and their mask."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([5000, 2048])
    within = (torch.arange(5000) < lengths[:, None]).double().unsqueeze(1)
    fade = torch.exp(-torch.arange(5000) / 1500)
    real, generated = (fade * torch.randn(2, 1, 5000, generator=generator) * within for _ in range(2))
    return real, real + 0.3 * generated, within


@float64()
def test_the_loss_of_waveforms_is_that_of_librosas_transforms() -> None:
    real, generated, within = waveforms()
    total = 0.0
    for shape in RESOLUTIONS:
        sides = []
        for x in (real, generated):
            spectra = [
                librosa.stft(
                    x[clip, 0, :length].numpy(),
                    n_fft=shape.n_fft,
                    hop_length=shape.hop,
                    win_length=shape.window,
                    pad_mode="constant",
                )[:, : -(-length // shape.hop)]
                for clip, length in enumerate((5000, 2048))
            ]
            sides.append(np.maximum(np.abs(np.concatenate(spectra, axis=1)), math.sqrt(1e-7)))
        ours, theirs = sides
        total += float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours) + np.abs(np.log(theirs / ours)).mean())
    assert float(stft_loss(real, generated, within)) == pytest.approx(total / 3, rel=SAME)
    assert [(shape.n_fft, shape.hop, shape.window) for shape in RESOLUTIONS] == [
        (1024, 120, 600),  # table 1 of the paper
        (2048, 240, 1200),
        (512, 50, 240),
    ]


@float64()
def test_gradients_of_spectra_are_those_of_finite_differences_and_none_reaches_the_real_side() -> None:
    real, generated, within = (x[1:, :, :700] for x in waveforms())
    real, generated = real.requires_grad_(), generated.detach().requires_grad_()
    small = (Resolution(64, 30, 48), Resolution(32, 10, 32))
    assert torch.autograd.gradcheck(lambda x: stft_loss(real, x, within, small), generated, fast_mode=True)
    (by_real,) = torch.autograd.grad(stft_loss(real, generated, within), real, allow_unused=True)
    assert by_real is None


@float64()
def test_padding_changes_no_loss_of_waveforms() -> None:
    real, generated, within = (x[1:] for x in waveforms())
    alone = stft_loss(real[:, :, :2048], generated[:, :, :2048])
    assert_same(stft_loss(real, generated, within), alone)
