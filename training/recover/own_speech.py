"""What a voice says, with the latents that it says it from.

Z latent channels · F frames · S samples
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.synthesizer import Synthesizer

LEAST_FRAMES = 128  # of an utterance
MOST_FRAMES = 1200  # a broken voice may ask for hours
_NOISE_SCALES = (0.4, 1.0)
_SPEEDS = (0.8, 1.25)
_DURATION_NOISE_SCALE = 0.8


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
        if not LEAST_FRAMES <= int(text.durations.sum()) <= MOST_FRAMES:
            continue
        plan = synthesizer.sample_prior(text, noise_scale=choices.uniform(*_NOISE_SCALES), generator=generator)
        z = synthesizer.flow.inverse(plan.z_p * plan.frame_mask, plan.frame_mask, plan.speaker)
        audio = synthesizer.decoder(z, plan.speaker, plan.frame_mask)
        yield Utterance(z[0].clone(), audio[0, 0].clone(), speaker)
