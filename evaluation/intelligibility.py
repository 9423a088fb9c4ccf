"""Intelligibility: how much of a sentence is not heard as it was said, by a listener that makes errors of its own.

So the error rate of the voice stands beside that of the recordings: only what lies above theirs is the voice's. Means
are of sentences, of which a short one weighs as much as a long one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from data.transcriber import Transcriber
from evaluation.held_out import Sentence
from evaluation.metric import Metric, Part
from evaluation.recogniser import phoneme_error_rate, phonemes_said
from evaluation.rendition import Rendition
from evaluation.sound import Sound
from metrics.spectra import Audio
from text import TextFrontEnd

_PERCENT = 100


class Listener(Protocol):
    """Who hears phonemes, such as our own recogniser."""

    def hear(self, audio: Audio, sample_rate: int) -> Sequence[str]:
        """The phonemes in a recording [S]."""
        ...


def by_recogniser(recogniser: Listener, sentences: Sequence[Sentence]) -> Part:
    """Phonemes, as a recogniser hears them and as the sentences have them: the same for every voice."""
    said = {sentence.id: phonemes_said(sentence.encoded.symbols) for sentence in sentences}
    return _part("phoneme error rate", lambda sound: recogniser.hear(sound.audio, sound.sample_rate), said)


def by_transcriber(transcriber: Transcriber, front_end: TextFrontEnd, sentences: Sequence[Sentence]) -> Part:
    """Words, as another program writes them; both texts are read first, so that `7` and `seven` are one word."""

    def words(text: str) -> list[str]:
        return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", front_end.reader.read(text).text.lower())

    said = {sentence.id: words(sentence.text) for sentence in sentences}
    return _part("word error rate", lambda sound: words(transcriber(sound.audio, sound.sample_rate)), said)


def _part(name: str, hear: Callable[[Sound], Sequence[str]], said: Mapping[str, Sequence[str]]) -> Part:
    def errors(it: Rendition, sound: Sound) -> float:
        return phoneme_error_rate(said[it.sentence.id], hear(sound)).rate * _PERCENT

    metric = Metric(name, "%", "lower", lambda it: errors(it, it.spoken), lambda it: errors(it, it.recorded))
    return Part("intelligibility", (metric,))
