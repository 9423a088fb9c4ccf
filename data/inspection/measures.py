"""What is measured on every recording: the faults of the file before any repair, the loudness again after it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.inspection.loudness import integrated_loudness

SILENT_POWER = 1e-10  # -100 dBFS, below the rounding noise of 16 bits: digital padding, no recorded pause
SILENT_DBFS = -100.0
SHORTEST_FLAT_TOP = 3  # equal samples in a row at the extreme; in untouched speech there are one or two
LOWEST_FLAT_TOP = 0.01  # of full scale; below it, equal samples come from rounding
FRAMES_OF_SPEECH = 10  # no recording of speech has fewer that are loud
QUIETEST_SHARE = 0.05  # of the frames, taken to be pauses
# A frame is silent below the pauses + 6 dB. Where the noise is near the speech that could be speech, and where
# the pauses are digital silence it could be anything: so never above the speech - 6 dB or below the speech - 40 dB.
SILENCE_OVER_NOISE_DB, LEAST_UNDER_SPEECH_DB, MOST_UNDER_SPEECH_DB = 6.0, 6.0, 40.0

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one recording: of its file, but for loudness and silence, which are those of what is trained on.

    Of a recording that is dropped, all are of its file. Levels are relative to full scale.
    """

    seconds: float
    source_rate_hz: int
    channels: int
    peak: float  # 0 to 1; above 1 only where the file has floating-point samples
    rms_dbfs: float
    loudness_lufs: float | None  # integrated, ITU-R BS.1770-4; None below one 0.4 s block or the gate at -70 LUFS
    dc_offset: float  # mean of the samples, -1 to 1
    clipped_samples: int
    leading_silence_seconds: float
    trailing_silence_seconds: float
    snr_db: float  # level of the speech over the level of the pauses


@dataclass(frozen=True, eq=False)
class Frames:
    """Mean power in frames of 20 ms that begin every 10 ms, with the mean of the recording removed."""

    powers: npt.NDArray[np.float64]  # [F], F > 0
    step_seconds: float

    @property
    def loud_dbfs(self) -> float:
        """Level that is reached for a tenth of a second: a click or a pop is shorter."""
        place = min(FRAMES_OF_SPEECH, -(-len(self.powers) // 2))
        return to_dbfs(float(np.partition(self.powers, -place)[-place]))

    def noise_and_speech(self) -> tuple[float, float]:
        """Mean power of the pauses, and of all that is more than the pauses.

        The pauses are the quietest 5 % of the frames that are not digital silence. A quiet pause is found in nearly
        every sentence; where there is none, soft speech is taken for one, and the speech seems nearer to the noise.
        """
        recorded = np.sort(self.powers[self.powers > SILENT_POWER])
        if len(recorded) == 0:
            return SILENT_POWER, SILENT_POWER
        noise = float(recorded[: max(1, round(QUIETEST_SHARE * len(recorded)))].mean())
        return noise, max(float(recorded.mean()) - noise, SILENT_POWER)

    def silence_seconds(self) -> tuple[float, float]:
        """Time before the first frame that is not silent, and after the last."""
        noise, speech = self.noise_and_speech()
        bound = min(noise * _ratio(SILENCE_OVER_NOISE_DB), speech * _ratio(-LEAST_UNDER_SPEECH_DB))
        bound = max(bound, speech * _ratio(-MOST_UNDER_SPEECH_DB))
        heard = np.flatnonzero(self.powers > bound)
        if len(heard) == 0:
            return 0.0, 0.0
        after = len(self.powers) - 1 - heard[-1]
        return float(heard[0] * self.step_seconds), float(after * self.step_seconds)


def frames_of(audio: Samples, rate_hz: int) -> Frames:
    """Cut a recording into frames.

    Args:
        audio: float [S], full scale at 1, S > 0.
        rate_hz: samples per second.
    """
    step = max(1, min(round(rate_hz / 100), len(audio) // 2))
    centred = audio - np.float32(audio.mean(dtype=np.float64))
    cells = centred[: len(audio) // step * step].reshape(-1, step)  # [F + 1, step]
    powers = np.einsum("ij,ij->i", cells, cells).astype(np.float64) / step
    powers[cells.max(axis=1) == cells.min(axis=1)] = 0.0  # digital silence stays silent where a mean was removed
    return Frames((powers[1:] + powers[:-1]) / 2 if len(powers) > 1 else powers, step / rate_hz)


def measure(audio: Samples, frames: Frames, *, rate_hz: int, channels: int, clipped_samples: int) -> Measures:
    """Measure one recording.

    Args:
        audio: float [S], mono, full scale at 1, S > 0, all finite.
        frames: of the same recording.
        rate_hz: samples per second of the file.
        channels: of the file.
        clipped_samples: of the channel that has most.
    """
    noise, speech = frames.noise_and_speech()
    leading, trailing = frames.silence_seconds()
    return Measures(
        seconds=len(audio) / rate_hz,
        source_rate_hz=rate_hz,
        channels=channels,
        peak=peak_of(audio),
        rms_dbfs=rms_dbfs(audio),
        loudness_lufs=integrated_loudness(audio, rate_hz),
        dc_offset=float(audio.mean(dtype=np.float64)),
        clipped_samples=clipped_samples,
        leading_silence_seconds=leading,
        trailing_silence_seconds=trailing,
        snr_db=10 * math.log10(speech / noise),
    )


def peak_of(audio: Samples) -> float:
    """Largest magnitude of a sample."""
    return max(float(audio.max()), -float(audio.min()))


def rms_dbfs(audio: Samples) -> float:
    """Root of the mean square, in decibels; at least -100."""
    return to_dbfs(float(np.einsum("i,i->", audio, audio, dtype=np.float64)) / len(audio))


def to_dbfs(power: float) -> float:
    """Decibels of a mean square; at least -100."""
    return 10 * math.log10(power) if power > SILENT_POWER else SILENT_DBFS


def count_clipped(audio: Samples) -> int:
    """Count the samples in flat tops: three or more in a row at the recording's own highest or lowest value.

    Its own, because a recording that was clipped and then turned down is flat below full scale.
    """
    lowest, highest = audio.min(), audio.max()
    if lowest == highest:
        return 0
    extremes = [extreme for extreme in (lowest, highest) if abs(extreme) >= LOWEST_FLAT_TOP]
    return sum(_in_flat_tops(np.flatnonzero(audio == extreme)) for extreme in extremes)


def _in_flat_tops(places: npt.NDArray[np.intp]) -> int:
    ends = np.flatnonzero(np.diff(places) != 1)
    lengths = np.diff(np.concatenate([[-1], ends, [len(places) - 1]]))
    return int(lengths[lengths >= SHORTEST_FLAT_TOP].sum())


def _ratio(decibels: float) -> float:
    return 10 ** (decibels / 10)
