"""One held-out sentence as one voice renders it: what every metric is taken of."""

from functools import cached_property

from evaluation.held_out import Sentence
from evaluation.phonemes import Phonemes, phonemes_of
from evaluation.sound import Sound
from evaluation.subject import Aligned, Rendered, Subject
from metrics.pitch import PitchDifference, pitch_difference
from metrics.spectra import log_mel
from metrics.warping import WarpingPath, warp


class Rendition:
    """A sentence, recorded and spoken and copied and aligned; each is made when it is first asked for.

    Args:
        subject: the voice.
        sentence: what it is to say.
    """

    def __init__(self, subject: Subject, sentence: Sentence) -> None:
        self.subject, self.sentence, self.recorded = subject, sentence, sentence.recorded
        self.sample_rate = subject.sample_rate
        self.frame_seconds = 1 / subject.voice.config.audio.frames_per_second

    @cached_property
    def phonemes(self) -> Phonemes:
        """What is said."""
        return phonemes_of(self.sentence.encoded)

    @cached_property
    def rendered(self) -> Rendered:
        """The text, spoken."""
        return self.subject.speak(self.sentence.encoded, self.sentence.speaker, text=self.sentence.text)

    @cached_property
    def spoken(self) -> Sound:
        """What is heard of that."""
        return Sound(self.rendered.audio, self.sample_rate)

    @cached_property
    def copied(self) -> Sound:
        """The recording, said again: it runs in step with it."""
        return Sound(self.subject.copy(self.recorded.audio, self.sentence.speaker), self.sample_rate)

    @cached_property
    def aligned(self) -> Aligned:
        """The recording, searched for the phonemes."""
        return self.subject.align(self.sentence.encoded.ids, self.recorded.audio, self.sentence.speaker)

    @cached_property
    def copied_pitch(self) -> PitchDifference:
        """Copy against recording."""
        return pitch_difference(self.recorded.pitch, self.copied.pitch)

    @cached_property
    def path(self) -> WarpingPath:
        """Which frame of the recording goes with which of the spoken text."""
        return warp(*(log_mel(sound.audio, self.sample_rate) for sound in (self.recorded, self.spoken)))
