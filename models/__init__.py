"""The synthesizer, its parts and its judges; a model on disk."""

from models.discriminator import Discriminator, Judgement
from models.gaussian import Gaussian
from models.segments import random_segment_starts, slice_segments
from models.synthesizer import Speech, Synthesis, Synthesizer

__all__ = [
    "Discriminator",
    "Gaussian",
    "Judgement",
    "Speech",
    "Synthesis",
    "Synthesizer",
    "random_segment_starts",
    "slice_segments",
]
