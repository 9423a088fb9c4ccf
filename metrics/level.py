"""Loudness, clipping and silence of a recording."""

from dataclasses import dataclass

from data.inspection.signal_level import SILENT_POWER, count_clipped, frames_of, integrated_loudness, peak_of
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
    loudness, frames = integrated_loudness(audio, sample_rate), frames_of(audio, sample_rate)
    return Level(
        loudness_lufs=float("nan") if loudness is None else loudness,
        clipped_share=count_clipped(audio) / len(audio),
        silence_share=float((frames.powers <= max(frames.silence_power, SILENT_POWER)).mean()),
        peak=peak_of(audio),
    )
