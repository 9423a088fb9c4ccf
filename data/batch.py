"""Collation of clips into zero-padded batches on a device.

Audio stays 16-bit until it is on the device: half the memory, and half the transfer.

B batch · P phonemes with blanks · S samples
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from configs import InputError
from data.audio_file import FULL_SCALE
from data.clips import Clip

_PHONEME_STEP = 32


@dataclass(frozen=True, eq=False)
class Batch:
    """The input of a training step. A clip has audio_lengths // hop_length frames."""

    phoneme_ids: Tensor  # [B, P] int64, 0 (padding) beyond phoneme_lengths
    phoneme_lengths: Tensor  # [B] int64
    audio: Tensor  # [B, 1, S] float32 in [-1, 1), 0 beyond audio_lengths
    audio_lengths: Tensor  # [B] int64, in samples, not rounded to frames
    speaker_ids: Tensor | None  # [B] int64; None for a single-speaker voice
    ids: tuple[str, ...]  # [B]
    texts: tuple[str, ...]  # [B]


class HeldAudio:
    """The audio of a training set in device memory, so that batches need no transfer from the host.

    Args:
        clips: the training set.
        device: where the audio is held.

    Raises:
        InputError: it does not fit into device memory.
    """

    def __init__(self, clips: Sequence[Clip], device: torch.device) -> None:
        ends = np.cumsum([len(clip.audio) for clip in clips]).tolist()
        try:
            row = torch.empty(ends[-1], dtype=torch.int16, device=device)  # [samples of all clips]
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{device} has no room for {ends[-1] * 2 / 2**30:.1f} GiB of recordings: set data.hold=memory"
            ) from error
        self._audio_of = {clip: row[end - len(clip.audio) : end] for clip, end in zip(clips, ends, strict=True)}
        for clip, audio in self._audio_of.items():
            audio.copy_(torch.tensor(clip.audio))  # a copy, as the array may be read-only

    def padded(self, clips: Sequence[Clip], samples: int) -> Tensor:
        """The audio of these clips, zero-padded: int16 [B, 1, samples]."""
        rows = [self._audio_of[clip] for clip in clips]
        audio = rows[0].new_zeros(len(clips), 1, samples)
        for place, row in enumerate(rows):
            audio[place, 0, : len(row)] = row
        return audio


def collate(
    clips: Sequence[Clip],
    *,
    hop_length: int,
    minimum_samples: int,
    speakers: bool,
    device: torch.device | str = "cpu",
    held: HeldAudio | None = None,
    frame_bounds: Sequence[int] = (),
) -> Batch:
    """Collate clips into a batch.

    Args:
        clips: at least one.
        hop_length: S is a multiple of it.
        minimum_samples: lower bound of S, so that the shortest clip has room for a training segment.
        speakers: whether the batch has speaker ids.
        device: of the batch.
        held: the audio, if it is on the device already.
        frame_bounds: ascending frame counts; a batch is padded to the first that holds all its clips, if one does, and
            P to a multiple of 32. Batches then come in few shapes, as CUDA graphs need.
    """
    device = torch.device(device)
    longest = max(minimum_samples, *(len(clip.audio) for clip in clips))
    frames = -(-longest // hop_length)
    samples = next((bound for bound in frame_bounds if bound >= frames), frames) * hop_length
    if held is None:
        audio = _sent(_padded([clip.audio for clip in clips], samples)[:, None], device)  # [B, 1, S]
    else:
        audio = held.padded(clips, samples)
    phonemes = max(len(clip.phoneme_ids) for clip in clips)
    if frame_bounds:
        phonemes = -(-phonemes // _PHONEME_STEP) * _PHONEME_STEP
    speaker_ids = np.array([clip.speaker_id for clip in clips], dtype=np.int64)
    return Batch(
        phoneme_ids=_sent(_padded([clip.phoneme_ids for clip in clips], phonemes), device),
        phoneme_lengths=_sent(np.array([len(clip.phoneme_ids) for clip in clips], dtype=np.int64), device),
        audio=audio.float().div_(FULL_SCALE),
        audio_lengths=_sent(np.array([len(clip.audio) for clip in clips], dtype=np.int64), device),
        speaker_ids=_sent(speaker_ids, device) if speakers else None,
        ids=tuple(clip.id for clip in clips),
        texts=tuple(clip.text for clip in clips),
    )


def _padded(rows: Sequence[npt.NDArray[np.integer]], length: int) -> npt.NDArray[np.integer]:
    """Zero-pad rows to a length: [B, length] of their dtype."""
    padded = np.zeros((len(rows), length), dtype=rows[0].dtype)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def _sent(array: npt.NDArray[np.integer], device: torch.device) -> Tensor:
    """Copy an array to the device; to a GPU asynchronously, from pinned memory."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
