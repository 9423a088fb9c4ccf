"""A summary of the corpus, stored in the run folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import replacing
from data.audio_file import to_float
from data.corpus import Corpus
from data.inspection.signal_level import integrated_loudness

_SAMPLED = 64  # clips, evenly spaced
_WINDOW = 1024  # samples
_BELOW_LOUDEST_DB = 60.0  # speech is above this at every frequency, and a filter's stop band is below


@dataclass(frozen=True)
class CorpusSummary:
    """Statistics of a corpus."""

    clips: int  # of the training set
    validation_clips: int
    hours: float  # of both
    speakers: tuple[str, ...]
    symbols: int
    sample_rate: int
    phonemes_per_second: float  # stress and length marks included; without blanks and punctuation
    bandwidth_hz: float  # as the function of this name
    loudness_lufs: float | None  # the median of the clips'
    fingerprint: str  # of the corpus

    def write(self, path: Path) -> None:
        """Write it as JSON.

        Raises:
            InputError: the file cannot be written.
        """
        with replacing(path) as file:
            file.write(json.dumps(asdict(self), ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))


def summarise(corpus: Corpus, sample_rate: int) -> CorpusSummary:
    """Summarise a corpus; one in shards by its validation clips."""
    clips = [*corpus.train, *corpus.validation]
    some = clips[:: max(1, len(clips) // _SAMPLED)]
    samples = sum(len(clip.audio) for clip in clips) + sum(sum(shard.samples) for shard in corpus.shards)
    sounds = {index for symbol, index in corpus.symbols.ids.items() if symbol.isalpha()}
    spoken = sum(sum(index in sounds for index in clip.phoneme_ids.tolist()) for clip in some)
    loudness = [integrated_loudness(to_float(clip.audio), sample_rate) for clip in some]
    known = [value for value in loudness if value is not None]
    return CorpusSummary(
        clips=corpus.training_clips,
        validation_clips=len(corpus.validation),
        hours=round(samples / sample_rate / 3600, 4),
        speakers=corpus.speakers,
        symbols=corpus.symbols.size,
        sample_rate=sample_rate,
        phonemes_per_second=round(spoken * sample_rate / sum(len(clip.audio) for clip in some), 2),
        bandwidth_hz=round(bandwidth_hz([to_float(clip.audio) for clip in some], sample_rate), 1),
        loudness_lufs=round(float(np.median(known)), 2) if known else None,
        fingerprint=corpus.fingerprint,
    )


def bandwidth_hz(recordings: list[NDArray[np.float32]], sample_rate: int) -> float:
    """The bandwidth of recordings [S]: the highest frequency whose mean power is within 60 dB of the maximum."""
    power = np.zeros(_WINDOW // 2 + 1)
    window = np.hanning(_WINDOW).astype(np.float32)
    for audio in recordings:
        pieces = audio[: len(audio) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
        power += np.square(np.abs(np.fft.rfft(pieces * window))).sum(axis=0)
    heard = np.flatnonzero(power >= power.max() * 10 ** (-_BELOW_LOUDEST_DB / 10))
    return float(heard[-1]) * sample_rate / _WINDOW
