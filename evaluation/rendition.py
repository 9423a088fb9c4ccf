"""One held-out sentence, recorded and as a voice renders it: the input of every metric."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from configs import InputError
from evaluation.phonemes import Phonemes, phonemes_of
from evaluation.subject import Aligned, Subject
from metrics.level import Level, level
from metrics.perception import Dnsmos, dnsmos
from metrics.pitch import Pitch, PitchDifference, pitch_difference, track_pitch
from metrics.speaker import Embedding, speaker_embedding
from metrics.spectra import Audio, log_mel
from metrics.warping import WarpingPath, warp
from speaking.engine import SpokenSentence
from text import Encoded


class Sound:
    """Audio with its metrics, each computed when it is first needed.

    Args:
        audio: float32 [S] in [-1, 1], S > 0.
        sample_rate: in hertz.
    """

    def __init__(self, audio: Audio, sample_rate: int) -> None:
        self.audio, self.sample_rate = audio, sample_rate

    @property
    def seconds(self) -> float:
        """Its duration."""
        return len(self.audio) / self.sample_rate

    @cached_property
    def pitch(self) -> Pitch:
        """Fundamental frequency and periodicity."""
        return track_pitch(self.audio, self.sample_rate)

    @cached_property
    def level(self) -> Level:
        """Loudness, clipping and silence."""
        return level(self.audio, self.sample_rate)

    @cached_property
    def opinion(self) -> Dnsmos:
        """Mean opinion scores, as a model predicts them."""
        return dnsmos(self.audio, self.sample_rate)

    @cached_property
    def speaker_embedding(self) -> Embedding:
        """Who speaks."""
        return speaker_embedding(self.audio, self.sample_rate)


@dataclass(frozen=True, eq=False)
class HeldOutSentence:
    """A held-out recording, and its text as the voice reads it."""

    id: str
    text: str
    encoded: Encoded
    speaker: int | None  # index among the voice's speakers; None for a voice of one
    recorded: Sound


class Rendition:
    """A sentence recorded, generated, reconstructed and aligned, each when it is first needed.

    Args:
        subject: the voice.
        sentence: the sentence.

    Raises:
        InputError: (of each) the voice cannot render it, or the audio has samples that are NaN or infinite.
    """

    def __init__(self, subject: Subject, sentence: HeldOutSentence) -> None:
        self.subject, self.sentence, self.recorded = subject, sentence, sentence.recorded
        self.sample_rate = subject.sample_rate
        self.frame_seconds = 1 / subject.voice.config.audio.frames_per_second

    @cached_property
    def phonemes(self) -> Phonemes:
        """The phonemes of the text."""
        return phonemes_of(self.sentence.encoded)

    @cached_property
    def utterance(self) -> SpokenSentence:
        """The text as the voice renders it."""
        return self.subject.render(self.sentence.encoded, self.sentence.speaker, text=self.sentence.text)

    @cached_property
    def generated(self) -> Sound:
        """The audio of that."""
        return self._sound(self.utterance.whole())

    @cached_property
    def reconstructed(self) -> Sound:
        """The recording through posterior encoder and decoder, frame by frame at the same time."""
        return self._sound(self.subject.reconstruct(self.recorded.audio, self.sentence.speaker))

    @cached_property
    def aligned(self) -> Aligned:
        """The recording aligned with the text."""
        return self.subject.align(self.sentence.encoded.ids, self.recorded.audio, self.sentence.speaker)

    @cached_property
    def reconstructed_pitch(self) -> PitchDifference:
        """Reconstruction against recording."""
        return pitch_difference(self.recorded.pitch, self.reconstructed.pitch)

    @cached_property
    def path(self) -> WarpingPath:
        """Which frame of the recording belongs to which of the generated audio."""
        return warp(*(log_mel(sound.audio, self.sample_rate) for sound in (self.recorded, self.generated)))

    def _sound(self, audio: Audio) -> Sound:
        if not np.isfinite(audio).all():
            raise InputError("the generated audio has samples that are NaN or infinite")
        return Sound(audio, self.sample_rate)
