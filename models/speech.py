"""What the synthesizer takes and returns at inference, from text to audio (VITS, figure 1b).

B batch · P phonemes · F frames · S samples · Z latent channels · C speaker channels
"""

from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor

from models.gaussian import Gaussian


@dataclass(frozen=True)
class Alignment:
    """Texts aligned with recordings."""

    scores: Tensor  # [B, F, P], log-likelihood of each frame under each phoneme's prior
    durations: Tensor  # [B, P], frames per phoneme
    prior: Gaussian  # [B, Z, F], every phoneme's prior repeated for its frames


@dataclass(frozen=True)
class Speech:
    """Audio generated from text."""

    audio: Tensor  # [B, 1, S], zero after each utterance's end
    audio_lengths: Tensor  # [B], samples
    durations: Tensor  # [B, P], frames per phoneme


class Sampling(TypedDict, total=False):
    """The keyword arguments of `Synthesizer.plan`, which describes them."""

    noise_scale: float | Tensor
    duration_noise_scale: float | Tensor
    speed: float | Tensor
    generator: torch.Generator | None


@dataclass(frozen=True)
class TimedText:
    """Encoded text with a duration for each phoneme."""

    durations: Tensor  # [B, P], frames per phoneme
    prior: Gaussian  # [B, Z, P]
    speaker: Tensor | None  # [B, C, 1]


@dataclass(frozen=True)
class Plan:
    """Everything that the inverse flow and the decoder need."""

    z_p: Tensor  # [B, Z, F], the prior's sample
    frame_mask: Tensor  # [B, 1, F]
    durations: Tensor  # [B, P], frames per phoneme
    speaker: Tensor | None  # [B, C, 1]
