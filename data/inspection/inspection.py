"""One recording looked at: decoded, measured, judged, repaired where that is honest, and made ready to train on.

The bounds were set on 2 115 real recordings of ten speakers, none of which breaks one, and on faults put into copies
of them. Where a comment gives two figures, the first is the worst of the real ones and the second the mildest fault.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import soxr

from data.audio_file import to_int16
from data.findings import Action, Fault
from data.inspection.decoding import AudioFault, NotDecodedError, decode
from data.inspection.loudness import integrated_loudness
from data.inspection.measures import Frames, Measures, count_clipped, frames_of, measure, peak_of
from data.inspection.processing import LevelTarget, at_level, trimmed

LARGEST_SAMPLE = 2.0**31  # that of 32-bit samples stored as floating-point numbers without scaling
NEAR_SILENCE_DBFS = -50.0  # of the loudest 0.1 s: -30.4, and -63 turned down by 60 dB
FEWEST_CLIPPED_SAMPLES = 10  # 0, and 1174 in a recording driven 12 dB over full scale
LARGEST_DC_OFFSET = 0.005  # 0.0007, and 0.02
LARGEST_DC_OVER_RMS = 0.03  # a loud voice has a mean of its own
LOWEST_RATE_HZ = 4000  # nothing above 2 kHz is no speech to learn from
EMPTY_CHANNEL_RATIO = 1e-4  # of the power of the loudest channel
CANCELLING_RATIO = 0.1  # power of the mean over the mean of the powers: 1 for equal channels, 0.5 for unrelated ones

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Inspected:
    """What one recording is, and what became of it."""

    audio: npt.NDArray[np.int16] | None  # [S] mono, at the voice's rate; None where the recording is dropped
    measures: Measures | None  # None where there is nothing whole to measure: not decoded, too long or not finite
    faults: tuple[AudioFault, ...]
    note: str = ""  # what the processing that was asked for could not do


def inspect(
    content: bytes,
    *,
    sample_rate: int,
    level: LevelTarget | None,
    trim_margin_seconds: float | None,
    shortest_seconds: float,
    longest_seconds: float,
) -> Inspected:
    """Look at one recording. A mono 16-bit one without faults, at the right rate, keeps its bits.

    Args:
        content: the bytes of the file, whatever they are.
        sample_rate: samples per second of the voice.
        level: what to bring the recording to; None leaves its level.
        trim_margin_seconds: silence to keep around the speech; None keeps all of it.
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
        return Inspected(None, None, (AudioFault(Fault.NOT_FINITE, detail, Action.DROPPED),))
    audio, faults = _mono(decoded.audio)
    clipped = max(count_clipped(channel) for channel in decoded.audio.T)
    frames = frames_of(audio, rate)
    measures = measure(audio, frames, rate_hz=rate, channels=decoded.audio.shape[1], clipped_samples=clipped)
    faults += _too_short(measures.seconds, shortest_seconds) + _rate(rate, sample_rate)
    faults += _silence(audio, frames) or _clipping(measures) + _dc_offset(measures)
    if any(fault.action is Action.DROPPED for fault in faults):
        return Inspected(None, measures, tuple(faults))
    heard, audio = audio, _repaired(audio, measures, sample_rate)
    if trim_margin_seconds is not None:
        audio = trimmed(audio, sample_rate, measures, trim_margin_seconds)
        too_short = _too_short(len(audio) / sample_rate, shortest_seconds, " after trimming")
        if too_short:
            return Inspected(None, measures, (*faults, *too_short))
    note = ""
    if level is not None:
        audio, note = at_level(audio, sample_rate, level)
    margin = math.inf if trim_margin_seconds is None else trim_margin_seconds
    measures = replace(
        measures,
        loudness_lufs=measures.loudness_lufs if audio is heard else integrated_loudness(audio, sample_rate),
        leading_silence_seconds=min(measures.leading_silence_seconds, margin),
        trailing_silence_seconds=min(measures.trailing_silence_seconds, margin),
    )
    return Inspected(to_int16(audio), measures, tuple(faults), note)


def _mono(audio: Samples) -> tuple[Samples, list[AudioFault]]:
    """One channel out of [S, channels]."""
    channels = audio.shape[1]
    if channels == 1:
        return audio[:, 0], []
    powers = audio.var(axis=0, dtype=np.float64)
    empty = powers < EMPTY_CHANNEL_RATIO * powers.max()
    heard = audio[:, ~empty] if empty.any() else audio
    mono: Samples = heard.mean(axis=1, dtype=np.float32)
    detail = f"{channels} channels: their mean is taken"
    if empty.any():
        names = ", ".join(str(place + 1) for place in np.flatnonzero(empty))
        detail = f"{channels} channels, left out as empty: {names}"
    if mono.var(dtype=np.float64) < CANCELLING_RATIO * powers[~empty].mean():
        mono = np.ascontiguousarray(heard[:, 0])
        detail = f"{channels} channels in anti-phase, whose mean cancels: the first is taken"
    return mono, [AudioFault(Fault.STEREO, detail, Action.REPAIRED)]


def _silence(audio: Samples, frames: Frames) -> list[AudioFault]:
    if audio.min() == audio.max():
        return [AudioFault(Fault.DIGITAL_SILENCE, f"every sample is {audio[0]:g}", Action.DROPPED)]
    if frames.loud_dbfs < NEAR_SILENCE_DBFS:
        detail = f"its loudest tenth of a second is at {frames.loud_dbfs:.1f} dBFS, below {NEAR_SILENCE_DBFS:g} dBFS"
        return [AudioFault(Fault.NEAR_SILENCE, detail, Action.DROPPED)]
    return []


def _too_short(seconds: float, shortest_seconds: float, when: str = "") -> list[AudioFault]:
    if seconds >= shortest_seconds:
        return []
    return [AudioFault(Fault.TOO_SHORT, f"{seconds:.3f} s{when}, less than {shortest_seconds:g} s", Action.DROPPED)]


def _clipping(measures: Measures) -> list[AudioFault]:
    peak, clipped = measures.peak, measures.clipped_samples
    if clipped >= FEWEST_CLIPPED_SAMPLES:
        detail = f"{clipped} samples in flat tops at {peak:.3f} of full scale, at least {FEWEST_CLIPPED_SAMPLES}"
        return [AudioFault(Fault.CLIPPED, detail, Action.KEPT)]
    if peak > 1:
        detail = f"the peak is {peak:.3f} times full scale, which 16 bits would cut off: turned down to full scale"
        return [AudioFault(Fault.CLIPPED, detail, Action.REPAIRED)]
    return []


def _has_dc_offset(measures: Measures) -> bool:
    rms = 10 ** (measures.rms_dbfs / 20)
    return abs(measures.dc_offset) > max(LARGEST_DC_OFFSET, LARGEST_DC_OVER_RMS * rms)


def _dc_offset(measures: Measures) -> list[AudioFault]:
    if not _has_dc_offset(measures):
        return []
    detail = f"the mean is {measures.dc_offset:+.4f}, beyond ±{LARGEST_DC_OFFSET:g}: removed"
    return [AudioFault(Fault.DC_OFFSET, detail, Action.REPAIRED)]


def _rate(rate: int, wanted: int) -> list[AudioFault]:
    if rate == wanted:
        return []
    if rate < LOWEST_RATE_HZ:
        return [AudioFault(Fault.OTHER_RATE, f"{rate} Hz, less than {LOWEST_RATE_HZ} Hz", Action.DROPPED)]
    lacking = f", but nothing is above {rate // 2} Hz" if rate < wanted else ""
    return [AudioFault(Fault.OTHER_RATE, f"{rate} Hz, resampled to {wanted} Hz{lacking}", Action.REPAIRED)]


def _repaired(audio: Samples, measures: Measures, sample_rate: int) -> Samples:
    if _has_dc_offset(measures):
        audio = audio - np.float32(measures.dc_offset)
    if measures.source_rate_hz != sample_rate:
        audio = soxr.resample(audio, measures.source_rate_hz, sample_rate, quality="VHQ")
    if measures.peak > 1:
        audio = audio / np.float32(peak_of(audio))
    return audio
