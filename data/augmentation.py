"""Augmentation of training clips: level, and speed perturbation (Ko et al., 2015), drawn anew in each epoch.

What is drawn depends on the seed, the epoch and the clip's id alone, so that a resumed run hears what it would have
heard.

S samples
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import soxr

from configs import DataSettings
from data.audio_file import FULL_SCALE, to_float, to_int16
from data.clips import Clip
from data.prefetcher import ClipSource


@dataclass(frozen=True)
class Augmentation:
    """How much clips are changed.

    Args:
        level_db: most that a level is raised or lowered by, in dB; no sample is clipped for it.
        speed: most that a clip is slower or faster by, as a fraction.
        hop_length: samples per frame; a clip keeps a frame for each phoneme, or its speed.
        seed: of what is drawn.
    """

    level_db: float
    speed: float
    hop_length: int
    seed: int

    @classmethod
    def asked(cls, settings: DataSettings, *, hop_length: int, seed: int) -> "Augmentation | None":
        """The augmentation of the data section; None where there is none."""
        if not (settings.augment_level_db or settings.augment_speed):
            return None
        return cls(settings.augment_level_db, settings.augment_speed, hop_length, seed)

    def __call__(self, clip: Clip, epoch: int) -> Clip:
        """The clip as it is heard in an epoch."""
        chance = np.random.default_rng([self.seed, epoch, zlib.crc32(clip.id.encode())])
        gain_db, speed = chance.uniform(-1, 1, 2) * (self.level_db, self.speed) + (0.0, 1.0)
        audio = to_float(clip.audio)  # [S]
        if self.speed and round(len(audio) / speed) // self.hop_length >= len(clip.phoneme_ids):
            audio = soxr.resample(audio, speed, 1.0, quality="VHQ")  # played back at `speed` times its sample rate
        loudest = float(np.abs(audio).max(initial=1 / FULL_SCALE))
        gain = min(10 ** (gain_db / 20), max(1.0, (1 - 1 / FULL_SCALE) / loudest))
        return replace(clip, audio=to_int16(audio * np.float32(gain)))

    def longest(self, clip: Clip) -> Clip:
        """A clip as long as this one when it is slowest, for the memory check."""
        more = math.ceil(len(clip.audio) * self.speed / (1 - self.speed)) + 1
        return replace(clip, audio=np.pad(clip.audio, (0, more)))


class AugmentedClips:
    """A `ClipSource` whose clips are augmented.

    Args:
        source: of the clips.
        augmentation: of each.
    """

    def __init__(self, source: ClipSource, augmentation: Augmentation) -> None:
        self.source, self.augmentation = source, augmentation

    def __len__(self) -> int:
        """Batches per epoch."""
        return len(self.source)

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The batches of one epoch, from the batch `start` on."""
        for clips in self.source.batches(epoch, start):
            yield [self.augmentation(clip, epoch) for clip in clips]
