"""Recordings that nobody made, with the lengths of LJSpeech: what a step is measured on where no corpus is at hand.

A batch of LJSpeech has 570 frames and 213 phonemes (blanks included) on average. Batches here are those of one length
bucket, ragged within it: frames are spread evenly over as much of the bucket around the mean as is symmetric, and
phonemes follow the frames, a tenth more or less. The sound is noise whose loudness comes and goes like syllables.
"""

from bisect import bisect_left

import numpy as np

from configs import Config
from data.clips import Clip
from data.corpus import Corpus
from text import SymbolTable
from text.symbols import SPECIAL_SYMBOLS

MEAN_FRAMES = 570
PHONEMES_PER_FRAME = 213 / 570
_SYMBOLS = 178  # of the published English voice
_FIRST_LETTER = 0x1000
_SYLLABLES_HZ = 4.0


def ragged_lengths(mean: int, count: int, bounds: tuple[int, ...], generator: np.random.Generator) -> list[int]:
    """Frames of the clips of one batch: their mean is `mean`, and they share a bucket."""
    place = bisect_left(bounds, mean)
    lower, upper = (bounds[place - 1] if place else 0), (bounds[place] if place < len(bounds) else mean + mean // 20)
    spread = min(mean - lower - 1, upper - mean, mean // 10)
    return [int(frames) for frames in generator.permutation(np.rint(np.linspace(mean - spread, mean + spread, count)))]


def random_clip(name: str, frames: int, *, config: Config, speaker_id: int, generator: np.random.Generator) -> Clip:
    """One clip of so many frames."""
    hop, rate = config.audio.hop_length, config.audio.sample_rate
    samples = frames * hop + int(generator.integers(hop))
    phase = np.arange(samples) * (2 * np.pi * _SYLLABLES_HZ / rate) + generator.uniform(0, 2 * np.pi)
    sound = generator.standard_normal(samples, dtype=np.float32) * (0.05 + 0.05 * np.sin(phase)) * 2**15
    # ^ _ p1 _ ... pn _ $ is an odd number of ids; the alignment needs a frame for each.
    wanted = min(frames * PHONEMES_PER_FRAME * generator.uniform(0.9, 1.1), frames - 1)
    spoken = max(1, round((wanted - 3) / 2))
    ids = np.zeros(2 * spoken + 3, dtype=np.int64)
    ids[0], ids[-1] = SPECIAL_SYMBOLS["^"], SPECIAL_SYMBOLS["$"]
    ids[2:-1:2] = generator.integers(len(SPECIAL_SYMBOLS), _SYMBOLS, spoken)
    return Clip(name, "", ids, sound.astype(np.int16), speaker_id)


def synthetic_corpus(config: Config, *, batches: int = 2, mean_frames: int = MEAN_FRAMES, speakers: int = 1) -> Corpus:
    """A corpus whose clips, in their order, are the batches to measure on; the same at every call.

    Args:
        config: says how large a batch is, and what a frame is.
        batches: how many there are.
        mean_frames: of the clips of each batch.
        speakers: who speak in turn; one has no name, as in a corpus of one speaker.
    """
    generator = np.random.default_rng(570213)
    size = config.train.batch_size
    lengths = [
        frames
        for _ in range(batches)
        for frames in ragged_lengths(mean_frames, size, config.data.bucket_frames, generator)
    ]
    clips = [
        random_clip(f"random-{place}", frames, config=config, speaker_id=place % speakers, generator=generator)
        for place, frames in enumerate(lengths)
    ]
    letters = {chr(_FIRST_LETTER + place): place for place in range(len(SPECIAL_SYMBOLS), _SYMBOLS)}
    return Corpus(
        train=clips,
        validation=clips[:1],
        symbols=SymbolTable({**SPECIAL_SYMBOLS, **letters}),
        speakers=tuple(f"speaker {place}" for place in range(speakers)) if speakers > 1 else (),
        lexicon=None,
        fingerprint="synthetic",
    )
