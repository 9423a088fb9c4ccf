"""A recording, or what a voice made: audio, and what is measured of it no more than once."""

from functools import cached_property

from metrics.level import Level, level
from metrics.perception import Dnsmos, dnsmos
from metrics.pitch import Pitch, track_pitch
from metrics.spectra import Audio


class Sound:
    """Audio with its own metrics, each taken when it is first asked for.

    Args:
        audio: float32 [S] in [-1, 1], S > 0.
        sample_rate: in hertz.
    """

    def __init__(self, audio: Audio, sample_rate: int) -> None:
        self.audio, self.sample_rate = audio, sample_rate

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.audio) / self.sample_rate

    @cached_property
    def pitch(self) -> Pitch:
        """Its fundamental frequency and its periodicity."""
        return track_pitch(self.audio, self.sample_rate)

    @cached_property
    def level(self) -> Level:
        """How loud it is, and how much of it is clipped or silent."""
        return level(self.audio, self.sample_rate)

    @cached_property
    def opinion(self) -> Dnsmos:
        """What listeners would think of it, as a model says."""
        return dnsmos(self.audio, self.sample_rate)
