"""Harmonics plus noise: its pitch is heard, its harmonics are steady sinusoids, and its noise is noise."""

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from models.decoders.harmonic_noise import HarmonicNoiseDecoder
from models.synthesizer import Synthesizer
from tests.models.decoders.test_decoders import config_of
from tests.rounding import assert_same
from tests.voices.random_voice import NUM_SYMBOLS, noise, randomised

RATE, HOP, N_FFT = 22050, 256, 1024


def decoder_that_says(*, log_harmonics: float, log_noise: float) -> HarmonicNoiseDecoder:
    """One whose amplitudes are the same in every bin, and whose pitch is the first latent channel."""
    decoder = HarmonicNoiseDecoder(
        latent_channels=2,
        channels=4,
        expansion_channels=8,
        layers=1,
        kernel_size=3,
        istft_n_fft=N_FFT,
        hop_length=HOP,
    )
    bins = N_FFT // 2 + 1
    with torch.no_grad():
        decoder.output.weight.zero_()
        levels = torch.tensor([log_harmonics, log_noise, 0.0]).repeat_interleave(bins)
        decoder.output.bias.copy_(levels)
    decoder.log_pitch = lambda z, speaker=None, mask=None: z[:, :1]  # type: ignore[method-assign]
    return decoder


def latents(hertz: Tensor) -> Tensor:
    """Those of a pitch [F]: [1, 2, F]."""
    log_pitch = (hertz * HOP / RATE).log()
    return torch.stack((log_pitch, torch.zeros_like(log_pitch)))[None]


@pytest.mark.parametrize("hertz", [100.0, 173.0, 300.0])
@torch.no_grad()
def test_a_steady_pitch_is_a_sum_of_steady_sinusoids_at_its_multiples(hertz: float) -> None:
    decoder = decoder_that_says(log_harmonics=0.0, log_noise=-20.0)
    audio = decoder(latents(torch.full((120,), hertz)))[0, 0].double().numpy()[8 * HOP : 104 * HOP]
    time, inside = np.arange(len(audio)) / RATE, int(4000 / hertz)
    waves = [np.exp(2j * np.pi * number * hertz * time) for number in range(1, 1 + int(RATE / 2 / hertz))]
    basis = np.stack([part for wave in waves for part in (wave.real, wave.imag)], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, audio, rcond=None)
    left = audio - basis @ fitted
    # What is left is what 86 Hz, the rate of frames, modulates; a decoder of equal frames has all its energy there.
    assert np.sqrt(np.mean(left**2) / np.mean(audio**2)) < 0.05
    sizes = np.hypot(fitted[::2], fitted[1::2])[:inside]
    assert sizes.std() / sizes.mean() < 0.2, "equal amplitudes were asked for"


@torch.no_grad()
def test_a_gliding_pitch_is_what_librosa_hears() -> None:
    decoder = decoder_that_says(log_harmonics=0.0, log_noise=-4.0)
    hertz = 180 * torch.exp(0.35 * torch.sin(torch.linspace(0, 4, 150)))
    audio = decoder(latents(hertz))[0, 0].numpy()
    heard, voiced, _ = librosa.pyin(audio, fmin=60, fmax=500, sr=RATE, hop_length=HOP)
    # librosa's frames are centred on multiples of the hop, the decoder's halfway between them.
    asked = np.interp(np.arange(len(heard)) - 0.5, np.arange(150), hertz.numpy())
    cents = 1200 * np.abs(np.log2(heard / asked))[voiced]
    assert voiced.mean() > 0.9
    assert np.median(cents) < 20


@torch.no_grad()
def test_noise_alone_is_flat_and_has_no_pitch() -> None:
    decoder = decoder_that_says(log_harmonics=-20.0, log_noise=0.0)
    audio = decoder(latents(torch.full((250,), 200.0)))[0, 0].numpy()
    power = (np.abs(librosa.stft(audio, n_fft=512)) ** 2).mean(axis=1)[8:-8]
    assert power.max() / power.min() < 4
    _, voiced, _ = librosa.pyin(audio, fmin=60, fmax=500, sr=RATE, hop_length=HOP)
    assert voiced.mean() < 0.1


def test_no_gradient_of_the_audio_reaches_the_pitch_and_its_own_reaches_the_latents() -> None:
    decoder = randomised(lambda: Synthesizer(config_of("harmonic_noise"), num_symbols=NUM_SYMBOLS)).decoder
    z = noise(1, 8, 12).requires_grad_()
    decoder(z).square().mean().backward()
    pitch = {name: weight for name, weight in decoder.named_parameters() if name.startswith("pitch")}
    assert len(pitch) == 4
    assert all(weight.grad is None for weight in pitch.values())
    log_pitch = decoder.log_pitch(z)
    assert log_pitch is not None
    (gradient,) = torch.autograd.grad(log_pitch.sum(), z)
    assert bool(gradient.any())


@torch.no_grad()
def test_a_stream_is_one_chunk_and_what_is_decoded_at_once() -> None:
    synthesizer = randomised(lambda: Synthesizer(config_of("harmonic_noise"), num_symbols=NUM_SYMBOLS))
    plan = synthesizer.plan(torch.arange(9)[None] % NUM_SYMBOLS, torch.tensor([9]), noise_scale=0.0)
    chunks = list(synthesizer.stream(plan, chunk_frames=2))
    assert len(chunks) == 1
    assert_same(chunks[0], synthesizer.decode(plan).audio)
