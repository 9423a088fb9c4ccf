"""Where a recording is silent, and how much is spoken before each place."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from data.inspection.metrics import LEAST_UNDER_SPEECH_DB, SILENCE_OVER_NOISE_DB, Frames, frames_of

SHORTEST_SECONDS = 0.12  # shorter ones are parts of stops, such as p and t
AROUND_SECONDS = 3.0  # whose loudest speech decides: a long recording may change its level and its noise
UNDER_SPEECH_DB = 30.0  # softer sounds than that, as between clauses, are breath and room

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Silences:
    """The places between which a recording may be cut; the first and the last are its ends.

    All are float64 [J], J > 1, and in seconds.
    """

    starts: npt.NDArray[np.float64]
    ends: npt.NDArray[np.float64]
    spoken: npt.NDArray[np.float64]  # time that is not silent before each

    @property
    def middles(self) -> npt.NDArray[np.float64]:
        """Where a cut is made: in the middle, and at the very ends of the recording."""
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
    heard = _heard(frames)
    silent = np.concatenate([[False], ~heard, [False]])
    edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    long = (ends - starts) * step >= SHORTEST_SECONDS
    starts, ends = starts[long], ends[long]
    spoken_frames = np.concatenate([[0], np.cumsum(heard)])
    inside = (starts > 0) & (ends < len(frames.powers))
    lead = ends[0] * step if len(starts) and starts[0] == 0 else 0.0
    tail = starts[-1] * step if len(starts) and ends[-1] == len(frames.powers) else seconds
    return Silences(
        starts=np.concatenate([[0.0], starts[inside] * step, [tail]]),
        ends=np.concatenate([[lead], ends[inside] * step, [seconds]]),
        spoken=np.concatenate([[0], spoken_frames[starts[inside]], [spoken_frames[-1]]]) * step,
    )


def _heard(frames: Frames) -> npt.NDArray[np.bool_]:
    """[F], whether each frame is not silent beside the speech around it."""
    width = round(AROUND_SECONDS / frames.step_seconds)
    loudest = maximum_filter1d(uniform_filter1d(frames.powers, max(1, width // 20)), width)
    noise, speech = frames.noise_and_speech()
    floor = min(noise * 10 ** (SILENCE_OVER_NOISE_DB / 10), speech * 10 ** (-LEAST_UNDER_SPEECH_DB / 10))
    heard: npt.NDArray[np.bool_] = frames.powers > np.maximum(loudest * 10 ** (-UNDER_SPEECH_DB / 10), floor)
    return heard
