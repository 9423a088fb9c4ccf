"""A batch in parts, taught one after the other, or by several ranks, as if it were taught at once.

Each term of the losses is a mean over something else (clips, phonemes, frames), of which the parts have unequal counts.
A part's term, times its share of what the term is a mean over, adds up to the term of the whole.

B batch
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from data.batch import Batch
from training.ranks import Ranks


@dataclass(frozen=True)
class Shares:
    """What a part has of a whole step: 0-d tensors that add up to 1 over all parts of all ranks."""

    clips: Tensor
    phonemes: Tensor
    frames: Tensor
    segment_frames: Tensor  # of the pieces that are decoded, of which every clip has as many


@dataclass(frozen=True)
class Part:
    """Some clips of a batch."""

    batch: Batch
    shares: Shares


def parts_of(batch: Batch, count: int, *, hop_length: int, segment_frames: int, ranks: Ranks) -> list[Part]:
    """Cut a batch into `count` parts of as many clips each, or nearly so; into fewer if it has fewer clips.

    Args:
        batch: this rank's.
        count: of the parts.
        hop_length: samples per frame.
        segment_frames: frames of a piece that is decoded, where the clip has as many.
        ranks: who share a step.
    """
    frames = torch.div(batch.audio_lengths, hop_length, rounding_mode="floor")
    counts = torch.stack((torch.ones_like(frames), batch.phoneme_lengths, frames, frames.clamp(max=segment_frames)))
    whole = ranks.sum(counts.sum(dim=1).float())  # [4]
    size = -(-len(batch.ids) // min(count, len(batch.ids)))
    return [
        Part(
            _rows(batch, slice(start, start + size)),
            Shares(*(counts[:, start : start + size].sum(dim=1) / whole).float()),
        )
        for start in range(0, len(batch.ids), size)
    ]


def _rows(batch: Batch, rows: slice) -> Batch:
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(batch, **{name: value[rows] for name, value in values.items() if value is not None})
