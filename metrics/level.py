"""Loudness, clipping and silence of a recording."""

from dataclasses import dataclass

from data.inspection.signal_level import (
    LEAST_UNDER_SPEECH_DB,
    MOST_UNDER_SPEECH_DB,
    SILENCE_OVER_NOISE_DB,
    SILENT_POWER,
    count_clipped,
    frames_of,
    integrated_loudness,
    peak_of,
)
from metrics.spectra import Audio


@dataclass(frozen=True, slots=True)
class Level:
    """Levels of one recording, relative to full scale."""

    loudness_lufs: float  # integrated, ITU-R BS.1770-4; NaN below 0.4 s and where nothing is louder than -70 LUFS
    clipped_share: float  # of the samples: those in runs at the same peak value
    silence_share: float  # of the time, pauses within the sentence included; 1 for empty audio
    peak: float  # 0 to 1


def level(audio: Audio, sample_rate: int) -> Level:
    """Measure one recording, float32 [S]; silence is defined as in the inspection of recordings."""
    if len(audio) == 0:
        return Level(float("nan"), 0.0, 1.0, 0.0)
    loudness = integrated_loudness(audio, sample_rate)
    return Level(
        loudness_lufs=float("nan") if loudness is None else loudness,
        clipped_share=count_clipped(audio) / len(audio),
        silence_share=_silence_share(audio, sample_rate),
        peak=peak_of(audio),
    )


def _silence_share(audio: Audio, sample_rate: int) -> float:
    frames = frames_of(audio, sample_rate)
    noise, speech = frames.noise_and_speech()
    bound = min(noise * _ratio(SILENCE_OVER_NOISE_DB), speech * _ratio(-LEAST_UNDER_SPEECH_DB))
    bound = max(bound, speech * _ratio(-MOST_UNDER_SPEECH_DB), SILENT_POWER)
    return float((frames.powers <= bound).mean())


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 10))
