"""What a recording can be given on request: another level, and less silence around it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from data.inspection.loudness import integrated_loudness
from data.inspection.measures import Measures, peak_of, rms_dbfs

HIGHEST_PEAK_DBFS = -1.0  # of a recording that is brought to a level

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LevelTarget:
    """The level that every recording is brought to."""

    kind: Literal["lufs", "rms"]
    dbfs: float  # LUFS, or RMS relative to full scale


def at_level(audio: Samples, rate_hz: int, target: LevelTarget) -> tuple[Samples, str]:
    """Bring a recording to a level, or as near to it as its peak allows.

    Args:
        audio: float [S], S > 0, not all zero.
        rate_hz: samples per second.
        target: the level; a recording too short for its loudness in LUFS is brought there by its RMS.

    Returns:
        The recording, and where it does not reach the level, why.
    """
    loudness = integrated_loudness(audio, rate_hz) if target.kind == "lufs" else None
    gain_db = target.dbfs - (rms_dbfs(audio) if loudness is None else loudness)
    most_db = HIGHEST_PEAK_DBFS - 20 * float(np.log10(peak_of(audio)))
    note = ""
    if gain_db > most_db:
        note = (
            f"brought to {target.dbfs - gain_db + most_db:.1f} dB instead of {target.dbfs:g}: "
            f"its peak is then at {HIGHEST_PEAK_DBFS:g} dBFS"
        )
    return audio * np.float32(10 ** (min(gain_db, most_db) / 20)), note


def trimmed(audio: Samples, rate_hz: int, measures: Measures, margin_seconds: float) -> Samples:
    """Take away the silence before and after the speech, but for a margin.

    Args:
        audio: [S].
        rate_hz: samples per second of this audio, which may have been resampled since it was measured.
        measures: of the same recording.
        margin_seconds: silence that is kept on both sides; where there is less, all of it is kept.
    """
    before = max(0.0, measures.leading_silence_seconds - margin_seconds)
    after = max(0.0, measures.trailing_silence_seconds - margin_seconds)
    return audio[int(before * rate_hz) : len(audio) - int(after * rate_hz)]
