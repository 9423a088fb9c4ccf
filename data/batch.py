"""Clips side by side, padded with zeros to the longest.

B batch · P phonemes with blanks · S samples
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from data.audio_file import FULL_SCALE
from data.clips import Clip


@dataclass(frozen=True, eq=False)
class Batch:
    """What one training step reads. A clip has audio_lengths // hop_length frames."""

    phoneme_ids: Tensor  # [B, P] int64, 0 (the pad) beyond phoneme_lengths
    phoneme_lengths: Tensor  # [B] int64
    audio: Tensor  # [B, 1, S] float32 in [-1, 1), 0 beyond audio_lengths
    audio_lengths: Tensor  # [B] int64, true sample counts, not rounded
    speaker_ids: Tensor | None  # [B] int64; None for a voice of one speaker
    ids: tuple[str, ...]  # [B]
    texts: tuple[str, ...]  # [B]

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """The same batch on another device."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=non_blocking)

        return replace(
            self,
            phoneme_ids=moved(self.phoneme_ids),
            phoneme_lengths=moved(self.phoneme_lengths),
            audio=moved(self.audio),
            audio_lengths=moved(self.audio_lengths),
            speaker_ids=None if self.speaker_ids is None else moved(self.speaker_ids),
        )


def collate(clips: Sequence[Clip], *, hop_length: int, minimum_samples: int, speakers: bool) -> Batch:
    """Put clips side by side.

    Args:
        clips: at least one.
        hop_length: S is a multiple of it.
        minimum_samples: S is not below it, so that the shortest clip has room for a training segment.
        speakers: whether the batch says who speaks.
    """
    longest = max(minimum_samples, *(len(clip.audio) for clip in clips))
    samples = -(-longest // hop_length) * hop_length
    audio = np.zeros((len(clips), 1, samples), dtype=np.float32)
    phoneme_ids = np.zeros((len(clips), max(len(clip.phoneme_ids) for clip in clips)), dtype=np.int64)
    for row, clip in enumerate(clips):
        np.divide(clip.audio, np.float32(FULL_SCALE), out=audio[row, 0, : len(clip.audio)], dtype=np.float32)
        phoneme_ids[row, : len(clip.phoneme_ids)] = clip.phoneme_ids
    return Batch(
        phoneme_ids=torch.from_numpy(phoneme_ids),
        phoneme_lengths=torch.tensor([len(clip.phoneme_ids) for clip in clips]),
        audio=torch.from_numpy(audio),
        audio_lengths=torch.tensor([len(clip.audio) for clip in clips]),
        speaker_ids=torch.tensor([clip.speaker_id for clip in clips]) if speakers else None,
        ids=tuple(clip.id for clip in clips),
        texts=tuple(clip.text for clip in clips),
    )
