"""Silences of a recording, and the amount of speech before each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from data.inspection.signal_level import LEAST_UNDER_SPEECH_DB, SILENCE_OVER_NOISE_DB, Frames, frames_of

SHORTEST_SECONDS = 0.12  # shorter silences are parts of plosives
AROUND_SECONDS = 3.0  # context of the threshold: a long recording may change its level and its noise
UNDER_SPEECH_DB = 30.0  # below this, relative to the loudest speech around, are breath and room noise

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Silences:
    """The silences at which a recording may be cut, its two ends included: float64 [J], J > 1, in seconds."""

    starts: npt.NDArray[np.float64]
    ends: npt.NDArray[np.float64]
    spoken: npt.NDArray[np.float64]  # duration of speech before each

    @property
    def middles(self) -> npt.NDArray[np.float64]:
        """The cut points: the middle of each silence, and the very ends of the recording."""
        middles = (self.starts + self.ends) / 2
        middles[0], middles[-1] = self.starts[0], self.ends[-1]
        return middles


def find_silences(audio: Samples, rate_hz: int) -> Silences:
    """Find the silences of a recording.

    Args:
        audio: float [S], mono, full scale at 1, S > 0.
        rate_hz: samples per second.
    """
    frames = frames_of(audio, rate_hz)
    step, seconds = frames.step_seconds, len(audio) / rate_hz
    speech = _is_speech(frames)
    silent = np.concatenate([[False], ~speech, [False]])
    edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    long = (ends - starts) * step >= SHORTEST_SECONDS
    starts, ends = starts[long], ends[long]
    spoken_frames = np.concatenate([[0], np.cumsum(speech)])
    inside = (starts > 0) & (ends < len(frames.powers))
    lead = ends[0] * step if len(starts) and starts[0] == 0 else 0.0
    tail = starts[-1] * step if len(starts) and ends[-1] == len(frames.powers) else seconds
    return Silences(
        starts=np.concatenate([[0.0], starts[inside] * step, [tail]]),
        ends=np.concatenate([[lead], ends[inside] * step, [seconds]]),
        spoken=np.concatenate([[0], spoken_frames[starts[inside]], [spoken_frames[-1]]]) * step,
    )


def _is_speech(frames: Frames) -> npt.NDArray[np.bool_]:
    """Whether each frame is speech, relative to the loudest speech around it: [F]."""
    width = round(AROUND_SECONDS / frames.step_seconds)
    loudest = maximum_filter1d(uniform_filter1d(frames.powers, max(1, width // 20)), width)
    noise, speech_power = frames.noise_and_speech()
    floor = min(noise * 10 ** (SILENCE_OVER_NOISE_DB / 10), speech_power * 10 ** (-LEAST_UNDER_SPEECH_DB / 10))
    speech: npt.NDArray[np.bool_] = frames.powers > np.maximum(loudest * 10 ** (-UNDER_SPEECH_DB / 10), floor)
    return speech
