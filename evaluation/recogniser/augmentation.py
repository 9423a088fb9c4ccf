"""Recordings made a little different each time they are heard, so that few of them teach as much as many.

Tempo: Ko, Peddinti, Povey & Khudanpur, "Audio Augmentation for Speech Recognition" (2015), section 2, on frames.
Masks: Park et al., "SpecAugment" (2019), section 2, with zeros, which are the mean of every band.

F frames · M mel bands
"""

import random

from torch import Tensor
from torch.nn import functional

_TEMPO = 0.1  # most that a recording becomes faster or slower
_WIDEST_BANDS = 13  # of a mask over mel bands, of which there is one
_LONGEST_FRAMES = 12  # of a mask over time: more would hide whole phonemes, which nobody could guess
_FRAMES_PER_MASK = 250


def varied(frames: Tensor, generator: random.Random) -> Tensor:
    """Frames [F, M] at another tempo, with a few bands and moments masked."""
    length = max(1, round(len(frames) * generator.uniform(1 - _TEMPO, 1 + _TEMPO)))
    changed = functional.interpolate(frames.T[None], size=length, mode="linear")[0].T.contiguous()
    width = generator.randint(0, _WIDEST_BANDS)
    low = generator.randint(0, max(0, frames.shape[1] - width))
    changed[:, low : low + width] = 0.0
    for _ in range(max(1, length // _FRAMES_PER_MASK)):
        width = generator.randint(0, _LONGEST_FRAMES)
        start = generator.randint(0, max(0, length - width))
        changed[start : start + width] = 0.0
    return changed
