"""Clips side by side on a device, padded with zeros to the longest.

Recordings stay 16-bit until they are on the device: half the memory, and half the way.

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
    """What one training step reads. A clip has audio_lengths // hop_length frames."""

    phoneme_ids: Tensor  # [B, P] int64, 0 (the pad) beyond phoneme_lengths
    phoneme_lengths: Tensor  # [B] int64
    audio: Tensor  # [B, 1, S] float32 in [-1, 1), 0 beyond audio_lengths
    audio_lengths: Tensor  # [B] int64, true sample counts, not rounded
    speaker_ids: Tensor | None  # [B] int64; None for a voice of one speaker
    ids: tuple[str, ...]  # [B]
    texts: tuple[str, ...]  # [B]


class HeldAudio:
    """Recordings that lie on the device, all in one row, so that a batch of them need not be carried there.

    Args:
        clips: all that will be asked for.
        device: where their recordings are held.

    Raises:
        InputError: the device has no room for them.
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
            audio.copy_(torch.tensor(clip.audio))  # a copy, as the recording may lie in memory that is read-only

    def padded(self, clips: Sequence[Clip], samples: int) -> Tensor:
        """Their recordings [B, 1, samples], int16."""
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
    """Put clips side by side.

    Args:
        clips: at least one.
        hop_length: S is a multiple of it.
        minimum_samples: S is not below it, so that the shortest clip has room for a training segment.
        speakers: whether the batch says who speaks.
        device: where the batch is wanted.
        held: the recordings, where they are on the device already.
        frame_bounds: rising numbers of frames, of which a batch gets the first that holds all its clips, if one does;
            its phonemes are a multiple of 32 then. With them, batches of the same buckets come in few shapes.
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
    """Rows of numbers, with zeros up to a length: [B, length] of their type."""
    padded = np.zeros((len(rows), length), dtype=rows[0].dtype)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def _sent(array: npt.NDArray[np.integer], device: torch.device) -> Tensor:
    """An array on the device; a GPU fetches it by itself, while the program goes on."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
