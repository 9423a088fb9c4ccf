"""Statistics of the clips of a corpus."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data.preparation import Preparation, PreparedClip
from text.inventories import INVENTORIES

NOISY_SNR_DB = 20.0  # real recordings of eleven speakers begin at 20.2
MUCH_SILENCE_SECONDS = 1.0  # leading or trailing; the maximum of 1 945 real recordings is 0.93
# Modified z-score (B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers, 1993, who use 3.5). Of 1 945 real
# recordings one exceeds it (3.5: six); of 335 that were given their neighbour's text, 46 % do.
OUTLIER_Z = 4.5
FEWEST_FOR_OUTLIERS = 10  # clips per speaker


@dataclass(frozen=True)
class Distribution:
    """The distribution of one metric; percentiles are interpolated linearly."""

    count: int  # of the finite values; others are ignored
    minimum: float
    p05: float
    p25: float
    median: float
    p75: float
    p95: float
    maximum: float
    mad: float  # median absolute deviation from the median


@dataclass(frozen=True)
class ClipValue:
    """A clip with an unusual value."""

    id: str
    line: int
    value: float


@dataclass(frozen=True)
class SameText:
    """Clips of one speaker with the same text."""

    text: str
    speaker: str | None
    ids: tuple[str, ...]


@dataclass(frozen=True)
class PhonemeCoverage:
    """Coverage of the phoneme inventory of a language."""

    share: float  # 0 to 1
    missing: tuple[str, ...]


@dataclass(frozen=True)
class SpeakerShare:
    """The clips of one speaker."""

    name: str | None
    clips: int
    minutes: float


@dataclass(frozen=True)
class CorpusStatistics:
    """Statistics of a corpus. Durations, levels and silences are those of the prepared clips."""

    rows: int
    clips: int
    hours: float
    sample_rates: dict[int, int]  # clips per sample rate of the recordings, in hertz
    seconds: Distribution | None  # None, here and below, if there are no values
    characters_per_second: Distribution | None
    loudness_lufs: Distribution | None
    snr_db: Distribution | None
    leading_silence_seconds: Distribution | None
    trailing_silence_seconds: Distribution | None
    character_rate_outliers: tuple[ClipValue, ...]  # the most extreme first
    noisy: tuple[ClipValue, ...]  # in dB, the noisiest first
    much_silence: tuple[ClipValue, ...]  # in seconds, leading or trailing; none if it is trimmed
    same_audio: tuple[tuple[str, ...], ...]  # ids
    same_text: tuple[SameText, ...]
    symbol_counts: dict[str, int]  # the most frequent first
    phonemes: PhonemeCoverage | None  # None for a language without inventory, and for graphemes
    speakers: tuple[SpeakerShare, ...]  # by minutes, descending


def describe(preparation: Preparation) -> CorpusStatistics:
    """The statistics of a prepared corpus."""
    clips, rate = preparation.clips, preparation.audio.sample_rate
    metrics = [clip.metrics for clip in clips]
    symbols = Counter(symbol for clip in clips for symbol in clip.speech)
    noisy = [
        ClipValue(clip.recording.id, clip.recording.line, clip.metrics.snr_db)
        for clip in clips
        if -math.inf < clip.metrics.snr_db < NOISY_SNR_DB
    ]
    silences = [
        ClipValue(clip.recording.id, clip.recording.line, longest)
        for clip in clips
        if (longest := max(clip.metrics.leading_silence_seconds, clip.metrics.trailing_silence_seconds))
        > MUCH_SILENCE_SECONDS
    ]
    return CorpusStatistics(
        rows=preparation.rows,
        clips=len(clips),
        hours=sum(clip.samples for clip in clips) / rate / 3600,
        sample_rates=dict(sorted(Counter(measure.source_rate_hz for measure in metrics).items())),
        seconds=_distribution(clip.samples / rate for clip in clips),
        characters_per_second=_distribution(characters_per_second(clip, rate) for clip in clips),
        loudness_lufs=_distribution(measure.loudness_lufs for measure in metrics),
        snr_db=_distribution(measure.snr_db for measure in metrics),
        leading_silence_seconds=_distribution(measure.leading_silence_seconds for measure in metrics),
        trailing_silence_seconds=_distribution(measure.trailing_silence_seconds for measure in metrics),
        character_rate_outliers=_character_rate_outliers(clips, rate),
        noisy=tuple(sorted(noisy, key=lambda clip: clip.value)),
        much_silence=() if preparation.data.trim_silence else tuple(sorted(silences, key=lambda clip: -clip.value)),
        same_audio=tuple(
            tuple(clip.recording.id for clip in group) for group in _groups(clips, lambda clip: clip.audio_digest)
        ),
        same_text=tuple(
            SameText(group[0].recording.text, group[0].recording.speaker, tuple(clip.recording.id for clip in group))
            for group in _groups(
                clips, lambda clip: (clip.recording.speaker, tuple(clip.recording.text.casefold().split()))
            )
        ),
        symbol_counts=dict(symbols.most_common()),
        phonemes=_coverage(set(symbols), preparation.data.language) if preparation.data.front_end == "espeak" else None,
        speakers=_speakers(clips, rate),
    )


def characters_per_second(clip: PreparedClip, sample_rate: int) -> float:
    """Speaking rate of a clip."""
    return len(clip.recording.text) * sample_rate / max(clip.samples, 1)


def _distribution(values: Iterable[float | None]) -> Distribution | None:
    finite = np.array([value for value in values if value is not None and math.isfinite(value)])
    if not len(finite):
        return None
    low, p05, p25, median, p75, p95, high = np.percentile(finite, (0, 5, 25, 50, 75, 95, 100)).tolist()
    mad = float(np.median(np.abs(finite - median)))
    return Distribution(len(finite), low, p05, p25, median, p75, p95, high, mad)


def _groups(clips: Sequence[PreparedClip], key: Callable[[PreparedClip], Hashable]) -> list[list[PreparedClip]]:
    """Groups of clips with the same key, in the order of the corpus."""
    groups: defaultdict[Hashable, list[PreparedClip]] = defaultdict(list)
    for clip in clips:
        groups[key(clip)].append(clip)
    return [group for group in groups.values() if len(group) > 1]


def _character_rate_outliers(clips: Sequence[PreparedClip], sample_rate: int) -> tuple[ClipValue, ...]:
    """The clips whose speaking rate is an outlier among those of their speaker."""
    scored: list[tuple[float, ClipValue]] = []
    for group in _groups(clips, lambda clip: clip.recording.speaker):
        rates = np.array([characters_per_second(clip, sample_rate) for clip in group])
        deviations = np.abs(rates - np.median(rates))
        mad = float(np.median(deviations))
        if len(group) < FEWEST_FOR_OUTLIERS or mad == 0:
            continue
        for clip, rate, deviation in zip(group, rates, deviations, strict=True):
            score = 0.6745 * deviation / mad  # 0.6745: the MAD of a standard normal distribution
            if score > OUTLIER_Z:
                scored.append((score, ClipValue(clip.recording.id, clip.recording.line, float(rate))))
    return tuple(clip for _, clip in sorted(scored, key=lambda pair: -pair[0]))


def _coverage(symbols: set[str], language: str) -> PhonemeCoverage | None:
    inventory = INVENTORIES.get(language)
    if inventory is None:
        return None
    missing = tuple(symbol for symbol in inventory if symbol not in symbols)
    return PhonemeCoverage(1 - len(missing) / len(inventory), missing)


def _speakers(clips: Sequence[PreparedClip], sample_rate: int) -> tuple[SpeakerShare, ...]:
    samples: defaultdict[str | None, list[int]] = defaultdict(list)
    for clip in clips:
        samples[clip.recording.speaker].append(clip.samples)
    shares = (SpeakerShare(name, len(own), sum(own) / sample_rate / 60) for name, own in samples.items())
    return tuple(sorted(shares, key=lambda share: -share.minutes))
