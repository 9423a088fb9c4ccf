"""Small synthesizers whose weights are nowhere zero, so that no layer can hide behind its initialisation."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from configs import Config, parse_config
from models.synthesizer import Synthesizer

ModuleT = TypeVar("ModuleT", bound=nn.Module)

NUM_SYMBOLS = 20
_SMALL: dict[str, dict[str, Any]] = {
    "run": {"dir": "runs/small"},
    "data": {"root": "corpus"},
    "audio": {"sample_rate": 8000, "n_fft": 32, "window_length": 32, "hop_length": 8, "mel_bands": 8},
    "model": {
        "hidden_channels": 16,
        "latent_channels": 8,
        "filter_channels": 24,
        "attention_heads": 2,
        "attention_window": 3,
        "text_layers": 2,
        "posterior_layers": 3,
        "coupling_layers": 3,
        "coupling_wavenet_layers": 2,
        "duration_channels": 16,
        "speaker_channels": 6,
    },
    "decoder": {
        "initial_channels": 16,
        "upsample_rates": [4, 2],
        "upsample_kernel_sizes": [8, 4],
        "residual_kernel_sizes": [3, 5],
        "residual_dilations": [[1, 3], [1, 2]],
    },
    "discriminator": {"channel_divisor": 16},
    "train": {"segment_samples": 64, "batch_size": 8},
}


def small_config(**sections: dict[str, Any]) -> Config:
    """A complete experiment of a few thousand weights, with some settings replaced."""
    names = {*_SMALL, *sections}
    return parse_config({name: _SMALL.get(name, {}) | sections.get(name, {}) for name in names}, source="small_config")


def small_synthesizer(config: Config | None = None, *, num_speakers: int = 1) -> Synthesizer:
    """Every weight random, every layer in evaluation mode."""
    chosen = small_config() if config is None else config
    synthesizer = randomised(lambda: Synthesizer(chosen, num_symbols=NUM_SYMBOLS, num_speakers=num_speakers))
    speak_up(synthesizer)
    return synthesizer


@torch.no_grad()
def speak_up(synthesizer: Synthesizer) -> None:
    """Random weights whisper; a waveform that fills its range shows a difference better."""
    for name, parameter in synthesizer.decoder.named_parameters():
        if name == "output.weight":
            parameter.mul_(4)
    calm_pitch(synthesizer)


@torch.no_grad()
def calm_pitch(synthesizer: Synthesizer) -> None:
    """Random weights have a pitch of octaves up and down, to which rounding errors are in proportion: make it speech's.

    A sentence of 8 s then differs by 1e-4 between two programs or processors, not by 2e-3.
    """
    for name, parameter in synthesizer.decoder.named_parameters():
        if name.startswith("pitch_output"):
            parameter.mul_(0.1)


@torch.no_grad()
def randomised(build: Callable[[], ModuleT], *, seed: int = 0) -> ModuleT:
    """Build a module, add noise to every weight, those that start at zero or one included, and stop its dropout."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build()
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
            parameter.add_(0.5 * torch.randn(parameter.shape) / math.sqrt(max(fan_in, 4)))
    module.train(False)
    return module


def seeded(seed: int = 0) -> torch.Generator:
    """A generator that draws the same numbers each time."""
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, the same each time."""
    return torch.randn(*shape, generator=seeded(seed))


def largest_difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest absolute difference of two tensors of one shape."""
    assert ours.shape == theirs.shape
    return float((ours.detach().double() - theirs.detach().double()).abs().max())
