"""The inverse transform is torch.istft with the ends kept, and hears no frame that its mask leaves out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.layers.istft import InverseStft
from tests.rounding import assert_same, float64, growth, in_float64
from tests.voices.random_voice import noise

SIZES = [(16, 4), (1024, 256), (8, 4), (12, 4), (16, 2), (512, 256)]


def spectrum(n_fft: int, frames: int, *, batch: int = 2) -> tuple[Tensor, Tensor]:
    """Of no signal in particular."""
    return noise(batch, n_fft // 2 + 1, frames, seed=1), noise(batch, n_fft // 2 + 1, frames, seed=2)


def by_hand(real: Tensor, imaginary: Tensor, n_fft: int, hop: int) -> Tensor:
    """One spectrum [K, F] to samples [S], frame by frame in float64."""
    frames, window = real.shape[1], 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    total, overlap = np.zeros((frames - 1) * hop + n_fft), np.zeros((frames - 1) * hop + n_fft)
    for frame in range(frames):
        bins = real[:, frame].double().numpy() + 1j * imaginary[:, frame].double().numpy()
        total[frame * hop : frame * hop + n_fft] += np.fft.irfft(bins) * window
        overlap[frame * hop : frame * hop + n_fft] += window**2
    kept = slice((n_fft - hop) // 2, (n_fft - hop) // 2 + frames * hop)
    return torch.from_numpy(total[kept] / overlap[kept])


def rounding(inverse: InverseStft, real: Tensor, imaginary: Tensor, mask: Tensor | None = None) -> Tensor:
    """How far each sample [B, 1, S] may be from the truth in float32: the sum of its terms' magnitudes."""
    magnitudes = in_float64(inverse)
    magnitudes.waves.abs_()
    _, bins, overlapping = inverse.waves.shape
    terms = bins * overlapping + overlapping + 3  # the kernel is rounded, and the sum divided by a sum of windows
    return growth(terms) * magnitudes(real.abs(), imaginary.abs(), mask)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
def test_it_is_torchs_inverse_wherever_torch_has_samples(n_fft: int, hop: int) -> None:
    real, imaginary = spectrum(n_fft, 9)
    theirs = torch.istft(
        torch.complex(real, imaginary).to(torch.complex128), n_fft, hop, window=torch.hann_window(n_fft).double()
    )  # from the middle of the first frame to that of the last
    inverse = InverseStft(n_fft, hop)
    ours, bound = inverse(real, imaginary), rounding(inverse, real, imaginary)
    assert ours.shape == (2, 1, 9 * hop)
    there = slice(hop // 2, hop // 2 + theirs.shape[1])
    assert_same(ours[:, 0, there], theirs, bound=bound[:, 0, there])


@settings(deadline=None, max_examples=50)
@given(frames=st.integers(1, 12), overlapping=st.integers(2, 6), half_hop=st.integers(1, 8))
def test_it_is_the_sum_of_frames_by_hand_up_to_both_ends(frames: int, overlapping: int, half_hop: int) -> None:
    n_fft, hop = 2 * overlapping * half_hop, 2 * half_hop
    real, imaginary = spectrum(n_fft, frames, batch=1)
    inverse = InverseStft(n_fft, hop)
    ours, bound = inverse(real, imaginary)[0, 0], rounding(inverse, real, imaginary)[0, 0]
    assert_same(ours, by_hand(real[0], imaginary[0], n_fft, hop), bound=bound)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@float64()
def test_a_signal_that_is_transformed_comes_back(n_fft: int, hop: int) -> None:
    signal, margin = noise(2, 20 * hop), (n_fft - hop) // 2
    padded = torch.nn.functional.pad(signal, (margin, margin))
    made = torch.stft(padded, n_fft, hop, window=torch.hann_window(n_fft), center=False, return_complex=True)
    assert made.shape[2] == 20
    assert_same(InverseStft(n_fft, hop)(made.real, made.imag)[:, 0], signal)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@float64()
def test_with_a_mask_each_clip_sounds_as_it_does_alone_and_is_silent_after_its_end(n_fft: int, hop: int) -> None:
    inverse, lengths = InverseStft(n_fft, hop), [9, 1, 4]
    real, imaginary = spectrum(n_fft, 9, batch=3)
    mask = (torch.arange(9) < torch.tensor(lengths)[:, None]).float().unsqueeze(1)
    batched = inverse(torch.where(mask > 0, real, 1e30), imaginary, mask)
    for clip, length in enumerate(lengths):
        alone = inverse(real[clip : clip + 1, :, :length], imaginary[clip : clip + 1, :, :length])[0]
        assert_same(batched[clip, :, : length * hop], alone)
        assert not batched[clip, :, length * hop :].any()


@pytest.mark.parametrize("masked", [False, True])
def test_no_gradient_is_lost_where_no_window_reaches(masked: bool) -> None:
    """The first sample of a Hann window is zero: to divide by it there, and to cut it off then, would leave NaN."""
    real, imaginary = (x.requires_grad_() for x in spectrum(16, 6))
    mask = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]).expand(2, 1, 6) if masked else None
    InverseStft(16, 4)(real, imaginary, mask).square().sum().backward()
    for x in (real, imaginary):
        assert x.grad is not None
        assert bool(x.grad.isfinite().all())
        heard = x.grad.abs().sum(dim=(0, 1)) > 0
        assert heard.tolist() == [True] * 3 + [not masked] * 3


def test_autocast_changes_nothing() -> None:
    real, imaginary = spectrum(16, 6)
    inverse = InverseStft(16, 4)
    with torch.autocast("cpu", torch.bfloat16):
        within, of_half = inverse(real, imaginary), inverse(real.bfloat16(), imaginary.bfloat16())
    assert torch.equal(within, inverse(real, imaginary))
    assert torch.equal(of_half, inverse(real.bfloat16().float(), imaginary.bfloat16().float()))


def test_nothing_of_it_is_saved() -> None:
    assert not InverseStft(16, 4).state_dict()
