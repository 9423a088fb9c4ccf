"""The decoder at frame rate: against double precision, and with spectra that nobody could have recorded."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.decoders.vocos import VocosDecoder
from tests.rounding import assert_same, float64
from tests.voices.random_voice import noise, randomised


def small_decoder(*, hop_length: int = 8, kernel_size: int = 5, layers: int = 2) -> VocosDecoder:
    return randomised(
        lambda: VocosDecoder(
            latent_channels=4,
            channels=16,
            expansion_channels=24,
            layers=layers,
            kernel_size=kernel_size,
            istft_n_fft=32,
            hop_length=hop_length,
            speaker_channels=3,
        )
    )


def decoded(decoder: VocosDecoder, z: Tensor, speaker: Tensor) -> Tensor:
    """The same with the channels second throughout and an inverse transform out of torch.fft."""
    weights = {name: weight.double() for name, weight in decoder.state_dict().items()}

    def normalised(x: Tensor, name: str) -> Tensor:
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return F.layer_norm(x.mT, scale.shape, scale, shift).mT

    def convolved(x: Tensor, name: str) -> Tensor:
        weight = weights[f"{name}.weight"]
        weight = weight[:, :, None] if weight.ndim == 2 else weight
        groups = x.shape[1] // weight.shape[1]
        return F.conv1d(x, weight, weights[f"{name}.bias"], padding=weight.shape[2] // 2, groups=groups)

    x = normalised(convolved(z.double(), "input") + convolved(speaker.double(), "speaker"), "input_norm")
    for i in range(len(decoder.blocks)):
        y = normalised(convolved(x, f"blocks.{i}.depthwise"), f"blocks.{i}.norm")
        y = convolved(F.gelu(convolved(y, f"blocks.{i}.expand")), f"blocks.{i}.contract")
        x = x + weights[f"blocks.{i}.scale"][:, None] * y
    log_magnitude, phase = convolved(normalised(x, "output_norm"), "output").chunk(2, dim=1)
    return overlapped(torch.polar(log_magnitude.exp(), phase), decoder.n_fft, decoder.hop_length)


def overlapped(spectrum: Tensor, n_fft: int, hop: int) -> Tensor:
    """Frames [B, K, F] to samples [B, 1, F * hop]: windowed, added, and divided by the sum of the squared windows."""
    window = torch.hann_window(n_fft, dtype=torch.float64)[None, :, None]
    frames = torch.fft.irfft(spectrum, n_fft, dim=1) * window
    samples = n_fft + hop * (frames.shape[2] - 1)
    added, overlap = (
        F.fold(each, (1, samples), (1, n_fft), stride=(1, hop))[:, :, 0]
        for each in (frames, window.square().expand_as(frames))
    )
    margin = (n_fft - hop) // 2
    return (added / overlap)[:, :, margin : samples - margin]


@pytest.mark.parametrize("hop_length", [4, 8, 16])
@torch.no_grad()
@float64()
def test_audio_is_that_of_double_precision(hop_length: int) -> None:
    decoder, z, speaker = small_decoder(hop_length=hop_length), noise(2, 4, 20), noise(2, 3, 1, seed=1)
    expected = decoded(decoder, z, speaker)
    assert float(expected.abs().mean()) > 0.05, "loud enough to be compared"
    assert_same(decoder(z, speaker), expected.clamp(-1, 1))


@pytest.mark.parametrize(("kernel_size", "layers", "hop_length"), [(5, 2, 8), (3, 3, 16), (7, 1, 4)])
def test_sample_depends_on_the_frames_of_its_field_and_on_no_others(
    kernel_size: int, layers: int, hop_length: int
) -> None:
    decoder = small_decoder(kernel_size=kernel_size, layers=layers, hop_length=hop_length).double()
    frames = 2 * decoder.receptive_field + 9
    z = noise(1, 4, frames).double().requires_grad_()
    middle = frames // 2
    audio = decoder(z, noise(1, 3, 1).double())[0, 0, middle * hop_length : (middle + 1) * hop_length]
    (gradient,) = torch.autograd.grad((audio * noise(hop_length, seed=2)).sum(), z)
    reached = gradient.abs().sum(dim=(0, 1)).nonzero().flatten() - middle
    assert int(reached.abs().max()) == decoder.receptive_field


def test_magnitude_without_bounds_is_still_audio_that_can_be_learned_from() -> None:
    decoder = small_decoder()
    with torch.no_grad():
        decoder.output.bias[:17] = 500.0  # infinite, as an exponential
        decoder.output.bias[3] = -500.0
    audio = decoder(noise(1, 4, 20), noise(1, 3, 1))
    assert float(audio.detach().abs().max()) == 1.0
    gradients = torch.autograd.grad(audio.square().sum(), list(decoder.parameters()))
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


@torch.no_grad()
@float64()
def test_loudest_audio_that_there_is_can_be_said() -> None:
    """A constant 1 has the largest magnitude of all signals: the sum of the window, in the first bin."""
    decoder = small_decoder()
    spectrum = torch.fft.rfft(torch.hann_window(32))
    decoder.output.weight.zero_()
    decoder.output.bias.copy_(torch.cat((spectrum.abs().clamp(min=1e-9).log(), spectrum.angle())))
    # The magnitudes that are zero were made 1e-9: one for each bin.
    assert_same(decoder(noise(1, 4, 9), noise(1, 3, 1)), torch.ones(1, 1, 72), bound=17 * 1e-9)


@torch.no_grad()
def test_phases_of_many_turns_are_not_rounded_under_autocast() -> None:
    decoder, z, speaker = small_decoder(), noise(1, 4, 20), noise(1, 3, 1)
    full = decoder(z, speaker)
    decoder.output.bias[17:] += 200 * torch.pi
    with torch.autocast("cpu", torch.bfloat16):
        half = decoder(z, speaker)
    assert half.dtype == torch.float32
    error = (half - full).square().mean().sqrt() / full.square().mean().sqrt()
    assert float(error) < 0.05
