"""Crops of a voice's own speech, with the latents that it was decoded from.

B batch · Z latent channels · F frames · S samples
"""

import random
from collections.abc import Sequence

import torch
from scipy import signal
from torch import Tensor

from configs import AudioSettings
from training.recover.learning import BATCH, Batch
from training.recover.own_speech import LEAST_FRAMES, Utterance

_WARP_OCTAVES = (-0.3, 0.6)  # of pitch and formants: from a child to a man, and back
_WARPED = 0.75  # of the crops


class Crops:
    """Batches of crops of one length, in frames; `warped`, as other vocal tracts would have said them."""

    def __init__(self, audio: AudioSettings, *, frames: int, warped: bool, seed: int) -> None:
        assert frames <= LEAST_FRAMES
        self._hop, self._frames, self._warped = audio.hop_length, frames, warped
        self._choices = random.Random(seed)

    def batch(self, utterances: Sequence[Utterance]) -> Batch:
        """Audio [B, 1, S], latents [B, Z, F] and speakers [B]."""
        chosen = [self._choices.choice(utterances) for _ in range(BATCH)]
        audio, z = zip(*(self._crop(one) for one in chosen), strict=True)
        speakers = None if chosen[0].speaker is None else torch.tensor([one.speaker for one in chosen])
        return torch.stack(audio)[:, None], torch.stack(z), speakers

    def _crop(self, one: Utterance) -> tuple[Tensor, Tensor]:
        """Audio [S] and latents [Z, F].

        Speed perturbation (Ko et al., 2015): a recording that is played at r times the speed has r times the pitch, and
        the formants of a tract of 1 / r of the length.
        """
        warped = self._warped and self._choices.random() < _WARPED
        octaves = self._choices.uniform(*_WARP_OCTAVES) if warped else 0.0
        length = min(round(self._frames * 2**octaves), one.z.shape[1])
        start = self._choices.randint(0, one.z.shape[1] - length)
        audio = one.audio[start * self._hop : (start + length) * self._hop]
        frames = start + (torch.arange(self._frames) + 0.5) * length / self._frames
        if length != self._frames:
            audio = torch.from_numpy(signal.resample(audio.numpy(), self._frames * self._hop))
        return audio, one.z[:, frames.long()]
