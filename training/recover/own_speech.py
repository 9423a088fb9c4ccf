"""What a voice says, with the latents that it says it from; and what microphones and rooms make of it.

Z latent channels · F frames · S samples · B batch
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.synthesizer import Synthesizer

LEAST_FRAMES = 128  # of an utterance
_MOST_FRAMES = 1200  # a broken voice may ask for hours
_NOISE_SCALES = (0.4, 1.0)
_SPEEDS = (0.8, 1.25)
_DURATION_NOISE_SCALE = 0.8

# Ranges of what recordings differ by, and the share of crops that have it.
_GAINS_DB = (-20.0, 6.0)
_NOISE_DB = (15.0, 60.0)  # speech above noise
_COLOUR_DB = 6.0  # of the frequency response, at most, for each of its curves
_CURVES = 4
_REVERBERATION_SECONDS = (0.1, 0.5)  # until it has fallen by 60 dB
_DIRECT_DB = (3.0, 20.0)  # above the reverberation
_SHARE = 0.5

_Uniform = Callable[[float, float], Tensor]  # bounds to numbers [B, 1]


@dataclass(frozen=True)
class Utterance:
    """Speech of a voice."""

    z: Tensor  # [Z, F]
    audio: Tensor  # [S]
    speaker: int | None


@torch.inference_mode()
def own_speech(
    synthesizer: Synthesizer, texts: Iterable[Sequence[int]], *, seed: int, speakers: int = 1
) -> Iterator[Utterance]:
    """Let a voice speak texts, each with another speed and noise, and of several speakers each with the next.

    Args:
        synthesizer: of the voice, in evaluation mode.
        texts: symbol ids of each.
        seed: of speeds and noises.
        speakers: how many the voice has.
    """
    choices, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    device = next(synthesizer.parameters()).device
    for place, ids in enumerate(texts):
        speaker = place % speakers if speakers > 1 else None
        speakers_ids = None if speaker is None else torch.tensor([speaker], device=device)
        text = synthesizer.predict_durations(
            torch.tensor([list(ids)], device=device),
            torch.tensor([len(ids)], device=device),
            speakers_ids,
            duration_noise_scale=_DURATION_NOISE_SCALE,
            speed=choices.uniform(*_SPEEDS),
            generator=generator,
        )
        if not LEAST_FRAMES <= int(text.durations.sum()) <= _MOST_FRAMES:
            continue
        plan = synthesizer.sample_prior(text, noise_scale=choices.uniform(*_NOISE_SCALES), generator=generator)
        z = synthesizer.flow.inverse(plan.z_p * plan.frame_mask, plan.frame_mask, plan.speaker)
        audio = synthesizer.decoder(z, plan.speaker, plan.frame_mask)
        yield Utterance(z[0].clone(), audio[0, 0].clone(), speaker)


def as_recorded(audio: Tensor, sample_rate: int, generator: torch.Generator) -> Tensor:
    """Speech [B, S] as other rooms, microphones and levels would have it; half of it is changed in each respect."""
    clips = len(audio)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(clips, 1, generator=generator)

    def chosen() -> Tensor:
        return torch.rand(clips, 1, generator=generator) < _SHARE

    audio = torch.where(chosen(), _reverberant(audio, sample_rate, uniform, generator), audio)
    audio = torch.where(chosen(), _coloured(audio, uniform), audio)
    level = audio.square().mean(dim=1, keepdim=True).sqrt()
    noise = _coloured(torch.randn(audio.shape, generator=generator), uniform)
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


def _coloured(audio: Tensor, uniform: _Uniform) -> Tensor:
    """Filtered by a smooth response without phase: a few cosines over the octaves."""
    spectrum = torch.fft.rfft(audio)
    places = torch.linspace(1.0, 2.0**10, spectrum.shape[1]).log2() / 10  # from 0 to 1, even in octaves
    decibels = torch.zeros(len(audio), spectrum.shape[1])
    for curve in range(1, _CURVES + 1):
        decibels += uniform(-_COLOUR_DB, _COLOUR_DB) / curve * torch.cos(math.pi * curve * places)
    return torch.fft.irfft(spectrum * 10 ** (decibels / 20), audio.shape[1])
