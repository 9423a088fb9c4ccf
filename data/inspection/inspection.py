"""Inspection of one recording: decode, measure, detect faults, repair, and process it for training.

The limits were chosen on 2 115 real recordings of ten speakers, none of which violates one, and on faults injected into
copies of them. If a comment gives two values, the first is the worst real one and the second the mildest fault.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

from data.audio_file import to_int16
from data.faults import Action, Fault, FaultKind
from data.inspection.decoding import NotDecodedError, decode
from data.inspection.signal_level import (
    Frames,
    SignalMetrics,
    count_clipped,
    frames_of,
    integrated_loudness,
    measure,
    peak_of,
    rms_dbfs,
)

LARGEST_SAMPLE = 2.0**31  # of 32-bit integers stored as unscaled floating-point numbers
NEAR_SILENCE_DBFS = -50.0  # of the loudest 0.1 s: -30.4, and -63 attenuated by 60 dB
FEWEST_CLIPPED_SAMPLES = 10  # 0, and 1174 in a recording driven 12 dB over full scale
LARGEST_DC_OFFSET = 0.005  # 0.0007, and 0.02
LARGEST_DC_OVER_RMS = 0.03  # loud speech has a mean of its own
LOWEST_RATE_HZ = 4000  # speech without anything above 2 kHz is useless for training
EMPTY_CHANNEL_RATIO = 1e-4  # of the power of the loudest channel
CANCELLING_RATIO = 0.1  # power of the mean over the mean power: 1 for equal channels, 0.5 for unrelated ones
HIGHEST_PEAK_DBFS = -1.0  # after level normalisation

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Inspected:
    """The result of an inspection."""

    audio: npt.NDArray[np.int16] | None  # [S] mono, at the voice's sample rate; None if the recording is dropped
    metrics: SignalMetrics | None  # None if not decoded, too long or not finite
    faults: tuple[Fault, ...]
    note: str = ""  # why the target level was not reached


@dataclass(frozen=True)
class LevelTarget:
    """The target of the level normalisation."""

    kind: Literal["lufs", "rms"]
    dbfs: float  # LUFS, or RMS relative to full scale


def inspect(
    content: bytes,
    *,
    sample_rate: int,
    level: LevelTarget | None,
    trim_margin_seconds: float | None,
    shortest_seconds: float,
    longest_seconds: float,
) -> Inspected:
    """Inspect one recording. A mono 16-bit one without faults, at the voice's rate, is returned bit for bit.

    Args:
        content: the bytes of the file.
        sample_rate: samples per second of the voice.
        level: target of the level normalisation; None disables it.
        trim_margin_seconds: silence that trimming keeps at each end; None disables trimming.
        shortest_seconds: shorter recordings are dropped.
        longest_seconds: longer recordings are dropped, without decoding them.
    """
    try:
        decoded = decode(content, longest_seconds=longest_seconds)
    except NotDecodedError as refused:
        return Inspected(None, None, (refused.fault,))
    rate = decoded.rate_hz
    fit = np.count_nonzero(np.abs(decoded.audio) <= LARGEST_SAMPLE)  # no comparison with NaN is true
    if fit < decoded.audio.size:
        detail = f"{decoded.audio.size - fit} of {decoded.audio.size} samples are NaN, infinite or beyond any scale"
        return Inspected(None, None, (Fault(FaultKind.NOT_FINITE, detail, Action.DROPPED),))
    audio, faults = _mono(decoded.audio)
    clipped = max(count_clipped(channel) for channel in decoded.audio.T)
    frames = frames_of(audio, rate)
    metrics = measure(audio, frames, rate_hz=rate, channels=decoded.audio.shape[1], clipped_samples=clipped)
    faults += _too_short(metrics.seconds, shortest_seconds) + _rate(rate, sample_rate)
    faults += _silence(audio, frames) or _clipping(metrics) + _dc_offset(metrics)
    if any(fault.action is Action.DROPPED for fault in faults):
        return Inspected(None, metrics, tuple(faults))
    original, audio = audio, _repaired(audio, metrics, sample_rate)
    if trim_margin_seconds is not None:
        audio = _trimmed(audio, sample_rate, metrics, trim_margin_seconds)
        too_short = _too_short(len(audio) / sample_rate, shortest_seconds, " after trimming")
        if too_short:
            return Inspected(None, metrics, (*faults, *too_short))
    note = ""
    if level is not None:
        audio, note = _at_level(audio, sample_rate, level)
    margin = math.inf if trim_margin_seconds is None else trim_margin_seconds
    metrics = replace(
        metrics,
        loudness_lufs=metrics.loudness_lufs if audio is original else integrated_loudness(audio, sample_rate),
        leading_silence_seconds=min(metrics.leading_silence_seconds, margin),
        trailing_silence_seconds=min(metrics.trailing_silence_seconds, margin),
    )
    return Inspected(to_int16(audio), metrics, tuple(faults), note)


def _mono(audio: Samples) -> tuple[Samples, list[Fault]]:
    """One channel out of [S, channels]."""
    channels = audio.shape[1]
    if channels == 1:
        return audio[:, 0], []
    powers = audio.var(axis=0, dtype=np.float64)
    empty = powers < EMPTY_CHANNEL_RATIO * powers.max()
    filled = audio[:, ~empty] if empty.any() else audio
    mono: Samples = filled.mean(axis=1, dtype=np.float32)
    detail = f"{channels} channels: their mean is taken"
    if empty.any():
        names = ", ".join(str(place + 1) for place in np.flatnonzero(empty))
        detail = f"{channels} channels, left out as empty: {names}"
    if mono.var(dtype=np.float64) < CANCELLING_RATIO * powers[~empty].mean():
        mono = np.ascontiguousarray(filled[:, 0])
        detail = f"{channels} channels in anti-phase, whose mean cancels: the first is taken"
    return mono, [Fault(FaultKind.STEREO, detail, Action.REPAIRED)]


def _silence(audio: Samples, frames: Frames) -> list[Fault]:
    if audio.min() == audio.max():
        return [Fault(FaultKind.DIGITAL_SILENCE, f"every sample is {audio[0]:g}", Action.DROPPED)]
    if frames.loud_dbfs < NEAR_SILENCE_DBFS:
        detail = f"its loudest tenth of a second is at {frames.loud_dbfs:.1f} dBFS, below {NEAR_SILENCE_DBFS:g} dBFS"
        return [Fault(FaultKind.NEAR_SILENCE, detail, Action.DROPPED)]
    return []


def _too_short(seconds: float, shortest_seconds: float, when: str = "") -> list[Fault]:
    if seconds >= shortest_seconds:
        return []
    return [Fault(FaultKind.TOO_SHORT, f"{seconds:.3f} s{when}, less than {shortest_seconds:g} s", Action.DROPPED)]


def _clipping(metrics: SignalMetrics) -> list[Fault]:
    peak, clipped = metrics.peak, metrics.clipped_samples
    if clipped >= FEWEST_CLIPPED_SAMPLES:
        detail = f"{clipped} samples in flat tops at {peak:.3f} of full scale, at least {FEWEST_CLIPPED_SAMPLES}"
        return [Fault(FaultKind.CLIPPED, detail, Action.KEPT)]
    if peak > 1:
        detail = f"the peak is {peak:.3f} times full scale, which 16 bits would cut off: turned down to full scale"
        return [Fault(FaultKind.CLIPPED, detail, Action.REPAIRED)]
    return []


def _has_dc_offset(metrics: SignalMetrics) -> bool:
    rms = 10 ** (metrics.rms_dbfs / 20)
    return abs(metrics.dc_offset) > max(LARGEST_DC_OFFSET, LARGEST_DC_OVER_RMS * rms)


def _dc_offset(metrics: SignalMetrics) -> list[Fault]:
    if not _has_dc_offset(metrics):
        return []
    detail = f"the mean is {metrics.dc_offset:+.4f}, beyond ±{LARGEST_DC_OFFSET:g}: removed"
    return [Fault(FaultKind.DC_OFFSET, detail, Action.REPAIRED)]


def _rate(rate: int, wanted: int) -> list[Fault]:
    if rate == wanted:
        return []
    if rate < LOWEST_RATE_HZ:
        return [Fault(FaultKind.OTHER_RATE, f"{rate} Hz, less than {LOWEST_RATE_HZ} Hz", Action.DROPPED)]
    lacking = f", but nothing is above {rate // 2} Hz" if rate < wanted else ""
    return [Fault(FaultKind.OTHER_RATE, f"{rate} Hz, resampled to {wanted} Hz{lacking}", Action.REPAIRED)]


def _repaired(audio: Samples, metrics: SignalMetrics, sample_rate: int) -> Samples:
    if _has_dc_offset(metrics):
        audio = audio - np.float32(metrics.dc_offset)
    if metrics.source_rate_hz != sample_rate:
        audio = soxr.resample(audio, metrics.source_rate_hz, sample_rate, quality="VHQ")
    if metrics.peak > 1:
        audio = audio / np.float32(peak_of(audio))
    return audio


def _at_level(audio: Samples, rate_hz: int, target: LevelTarget) -> tuple[Samples, str]:
    """Normalise the level, as far as the peak allows; also returns why the target was not reached, if it was not.

    A recording too short for a loudness in LUFS is normalised by its RMS.
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


def _trimmed(audio: Samples, rate_hz: int, metrics: SignalMetrics, margin_seconds: float) -> Samples:
    """Trim leading and trailing silence to a margin; the audio may have been resampled since it was measured."""
    before = max(0.0, metrics.leading_silence_seconds - margin_seconds)
    after = max(0.0, metrics.trailing_silence_seconds - margin_seconds)
    return audio[int(before * rate_hz) : len(audio) - int(after * rate_hz)]
