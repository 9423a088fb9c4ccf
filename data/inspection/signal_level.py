"""Signal metrics of a recording: level, loudness (ITU-R BS.1770-4), clipping, silence and SNR."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SILENT_POWER = 1e-10  # -100 dBFS, below the rounding noise of 16 bits: digital padding, no recorded pause
SILENT_DBFS = -100.0
SHORTEST_FLAT_TOP = 3  # equal samples in a row at the extreme; in untouched speech there are one or two
LOWEST_FLAT_TOP = 0.01  # of full scale; below it, equal samples come from rounding
FRAMES_OF_SPEECH = 10  # no recording of speech has fewer that are loud
QUIETEST_SHARE = 0.05  # of the frames, taken as pauses
# A frame is silent below the pauses + 6 dB. If the noise is near the speech that could be speech, and if the pauses
# are digital silence it could be anything: so never above the speech - 6 dB or below the speech - 40 dB.
SILENCE_OVER_NOISE_DB, LEAST_UNDER_SPEECH_DB, MOST_UNDER_SPEECH_DB = 6.0, 6.0, 40.0

# BS.1770-4, tables 1 and 2: a high shelf for the head, and a high pass; b and a of each, at 48 kHz.
K_WEIGHTING = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
TABLE_RATE_HZ = 48000
LOUDNESS_OFFSET_DB = -0.691  # makes a full-scale 997 Hz tone read -3.01 LUFS
ABSOLUTE_GATE_LUFS = -70.0

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SignalMetrics:
    """Metrics of one file; loudness and silences are those of the prepared audio, unless the recording is dropped.

    Levels are relative to full scale.
    """

    seconds: float
    source_rate_hz: int
    channels: int
    peak: float  # 0 to 1; above 1 only where the file has floating-point samples
    rms_dbfs: float
    loudness_lufs: float | None  # as `integrated_loudness`
    dc_offset: float  # mean of the samples, -1 to 1
    clipped_samples: int
    leading_silence_seconds: float
    trailing_silence_seconds: float
    snr_db: float  # level of the speech relative to the pauses


@dataclass(frozen=True, eq=False)
class Frames:
    """Mean power in frames of 20 ms with a hop of 10 ms, after removal of the DC offset."""

    powers: npt.NDArray[np.float64]  # [F], F > 0
    step_seconds: float

    @property
    def loud_dbfs(self) -> float:
        """Level that is exceeded for a tenth of a second in all; clicks and pops are shorter."""
        place = min(FRAMES_OF_SPEECH, -(-len(self.powers) // 2))
        return to_dbfs(float(np.partition(self.powers, -place)[-place]))

    def noise_and_speech(self) -> tuple[float, float]:
        """Mean power of the pauses, and of the speech above them.

        The pauses are the quietest 5 % of the frames that are not digital silence. Nearly every sentence has one; in
        one without, soft speech is taken for a pause, and the SNR is underestimated.
        """
        recorded = np.sort(self.powers[self.powers > SILENT_POWER])
        if len(recorded) == 0:
            return SILENT_POWER, SILENT_POWER
        noise = float(recorded[: max(1, round(QUIETEST_SHARE * len(recorded)))].mean())
        return noise, max(float(recorded.mean()) - noise, SILENT_POWER)

    @property
    def silence_power(self) -> float:
        """The power up to which a frame is silent."""
        noise, speech = self.noise_and_speech()
        bound = min(noise * _ratio(SILENCE_OVER_NOISE_DB), speech * _ratio(-LEAST_UNDER_SPEECH_DB))
        return max(bound, speech * _ratio(-MOST_UNDER_SPEECH_DB))

    def silence_seconds(self) -> tuple[float, float]:
        """Leading and trailing silence."""
        loud = np.flatnonzero(self.powers > self.silence_power)
        if len(loud) == 0:
            return 0.0, 0.0
        after = len(self.powers) - 1 - loud[-1]
        return float(loud[0] * self.step_seconds), float(after * self.step_seconds)


def frames_of(audio: Samples, rate_hz: int) -> Frames:
    """Frame a recording.

    Args:
        audio: float [S], full scale at 1, S > 0.
        rate_hz: samples per second.
    """
    step = max(1, min(round(rate_hz / 100), len(audio) // 2))
    centred = audio - np.float32(audio.mean(dtype=np.float64))
    cells = centred[: len(audio) // step * step].reshape(-1, step)  # [F + 1, step]
    powers = np.einsum("ij,ij->i", cells, cells).astype(np.float64) / step
    powers[cells.max(axis=1) == cells.min(axis=1)] = 0.0  # digital silence stays silent after DC removal
    return Frames((powers[1:] + powers[:-1]) / 2 if len(powers) > 1 else powers, step / rate_hz)


def measure(audio: Samples, frames: Frames, *, rate_hz: int, channels: int, clipped_samples: int) -> SignalMetrics:
    """The metrics of one recording.

    Args:
        audio: float [S], mono, full scale at 1, S > 0, all finite.
        frames: of the same recording.
        rate_hz: samples per second of the file.
        channels: of the file.
        clipped_samples: of the channel that has the most.
    """
    noise, speech = frames.noise_and_speech()
    leading, trailing = frames.silence_seconds()
    return SignalMetrics(
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


def integrated_loudness(audio: Samples, rate_hz: int) -> float | None:
    """Integrated loudness of one channel in LUFS (ITU-R BS.1770-4, annex 1).

    Our own, because pyloudnorm and torchaudio approximate the filters at rates other than 48 kHz and err by 0.1 LU.

    Args:
        audio: float [S], full scale at 1.
        rate_hz: samples per second.

    Returns:
        The loudness, or None if no whole block of 0.4 s is above the gate at -70 LUFS.
    """
    step = round(rate_hz / 10)  # blocks of 0.4 s begin every 0.1 s
    steps = len(audio) // step
    if steps < 4:
        return None
    size = 1 << (len(audio) + step).bit_length()  # padded, so that the filters do not wrap around
    weighted = np.fft.irfft(np.fft.rfft(audio, size) * _k_weighting(rate_hz, size), size)[: steps * step]
    energy = np.square(weighted.reshape(steps, step)).sum(axis=1, dtype=np.float64)
    blocks = np.convolve(energy, np.ones(4), mode="valid") / (4 * step)  # mean squares
    gated = blocks[blocks > _ratio(ABSOLUTE_GATE_LUFS - LOUDNESS_OFFSET_DB)]
    if len(gated) == 0:
        return None
    return LOUDNESS_OFFSET_DB + 10 * math.log10(gated[gated > gated.mean() / 10].mean())  # relative gate: -10 LU


@functools.lru_cache(maxsize=8)
def _k_weighting(rate_hz: int, size: int) -> npt.NDArray[np.float32]:
    """Gain of the K-weighting at the frequencies of an FFT; above half the table's rate, the gain there."""
    hz = np.minimum(np.fft.rfftfreq(size, 1 / rate_hz), TABLE_RATE_HZ / 2)
    delay = np.exp(-2j * np.pi * hz / TABLE_RATE_HZ)
    gains = [np.abs(np.polyval(over[::-1], delay) / np.polyval(under[::-1], delay)) for over, under in K_WEIGHTING]
    return np.prod(gains, axis=0).astype(np.float32)


def peak_of(audio: Samples) -> float:
    """Peak magnitude."""
    return max(float(audio.max()), -float(audio.min()))


def rms_dbfs(audio: Samples) -> float:
    """RMS level in dBFS; at least -100."""
    return to_dbfs(float(np.einsum("i,i->", audio, audio, dtype=np.float64)) / len(audio))


def to_dbfs(power: float) -> float:
    """A mean square in dBFS; at least -100."""
    return 10 * math.log10(power) if power > SILENT_POWER else SILENT_DBFS


def count_clipped(audio: Samples) -> int:
    """Count the samples in flat tops: three or more in a row at the recording's own maximum or minimum.

    Its own, because a recording that was clipped and then attenuated is flat below full scale.
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
