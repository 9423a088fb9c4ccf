"""What microphones, rooms and levels make of speech: augmentation, so that real recordings are in range.

B batch · S samples
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

# Ranges of what recordings differ by, and the share of crops that have it.
_GAINS_DB = (-20.0, 6.0)
_NOISE_DB = (15.0, 60.0)  # speech above noise
_EQUALISER_DB = 6.0  # of the frequency response, at most, for each of its curves
_CURVES = 4
_REVERBERATION_SECONDS = (0.1, 0.5)  # until it has fallen by 60 dB
_DIRECT_DB = (3.0, 20.0)  # above the reverberation
_SHARE = 0.5

_Uniform = Callable[[float, float], Tensor]  # bounds to numbers [B, 1]


def augmented(audio: Tensor, sample_rate: int, generator: torch.Generator) -> Tensor:
    """Speech [B, S] as other rooms, microphones and levels would have it; half of it is changed in each respect."""
    clips = len(audio)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(clips, 1, generator=generator)

    def chosen() -> Tensor:
        return torch.rand(clips, 1, generator=generator) < _SHARE

    audio = torch.where(chosen(), _reverberant(audio, sample_rate, uniform, generator), audio)
    audio = torch.where(chosen(), _equalised(audio, uniform), audio)
    level = audio.square().mean(dim=1, keepdim=True).sqrt()
    noise = _equalised(torch.randn(audio.shape, generator=generator), uniform)
    audio = audio + chosen() * level * 10 ** (-uniform(*_NOISE_DB) / 20) * noise
    return torch.where(chosen(), audio * 10 ** (uniform(*_GAINS_DB) / 20), audio).clamp(-1.0, 1.0)


def _reverberant(audio: Tensor, sample_rate: int, uniform: _Uniform, generator: torch.Generator) -> Tensor:
    """Convolved with exponentially decaying noise (Polack's model of late reverberation, 1988)."""
    taps = round(_REVERBERATION_SECONDS[1] * sample_rate)
    seconds = torch.arange(taps) / sample_rate
    decay = torch.exp(-math.log(1000) * seconds / uniform(*_REVERBERATION_SECONDS))
    response = decay * torch.randn(len(audio), taps, generator=generator)
    response = response / response.square().sum(dim=1, keepdim=True).sqrt() * 10 ** (-uniform(*_DIRECT_DB) / 20)
    response[:, 0] = 1.0
    size = audio.shape[1] + taps
    return torch.fft.irfft(torch.fft.rfft(audio, size) * torch.fft.rfft(response, size), size)[:, : audio.shape[1]]


def _equalised(audio: Tensor, uniform: _Uniform) -> Tensor:
    """Filtered by a smooth response without phase: a few cosines over the octaves."""
    spectrum = torch.fft.rfft(audio)
    places = torch.linspace(1.0, 2.0**10, spectrum.shape[1]).log2() / 10  # from 0 to 1, even in octaves
    decibels = torch.zeros(len(audio), spectrum.shape[1])
    for curve in range(1, _CURVES + 1):
        decibels += uniform(-_EQUALISER_DB, _EQUALISER_DB) / curve * torch.cos(math.pi * curve * places)
    return torch.fft.irfft(spectrum * 10 ** (decibels / 20), audio.shape[1])
