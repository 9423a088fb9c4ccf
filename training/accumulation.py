"""Gradient accumulation, over micro-batches and over ranks, with exact loss normalisation.

Each loss term is a mean over something else (clips, phonemes, frames), of which the micro-batches have unequal counts.
A micro-batch's term, weighted by its share of the count, adds up to the term of the whole batch.

B batch
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from data.batch import Batch
from training.ranks import Ranks


@dataclass(frozen=True)
class LossNormalisation:
    """The weight of each loss term of a micro-batch: 0-d tensors that add up to 1 over all micro-batches and ranks."""

    clips: Tensor
    phonemes: Tensor
    frames: Tensor
    segment_frames: Tensor  # of the pieces that are decoded, of which every clip has as many


@dataclass(frozen=True)
class MicroBatch:
    """Some clips of a batch."""

    batch: Batch
    normalisation: LossNormalisation


def micro_batches(batch: Batch, count: int, *, hop_length: int, segment_frames: int, ranks: Ranks) -> list[MicroBatch]:
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
        MicroBatch(
            _rows(batch, slice(start, start + size)),
            LossNormalisation(*(counts[:, start : start + size].sum(dim=1) / whole).float()),
        )
        for start in range(0, len(batch.ids), size)
    ]


def _rows(batch: Batch, rows: slice) -> Batch:
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(batch, **{name: value[rows] for name, value in values.items() if value is not None})
