"""Word error rate: what an ASR has understood of speech, against the text.

Both texts are normalised first, so that `7` and `seven`, or `Mr.` and `Mister`, are one word, and capitals, marks and
hyphens do not count. Compounds that are written in two ways are two words against one, as is usual.
"""

import unicodedata
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from configs import Config, InputError
from data.transcriber import load_transcriber
from text.normalise import Reader
from training.random_state import restored
from training.recogniser.error_rate import phoneme_error_rate, total
from training.validation import SynthesizedClip

_PERCENT = 100
# Abbreviations that normalisation leaves to espeak-ng, and their words.
_SHORT = {"mister": "mr", "missus": "mrs", "missis": "mrs", "doctor": "dr", "saint": "st", "company": "co"}


def words_of(text: str, reader: Reader) -> list[str]:
    """The words of a text, as they are compared."""
    read = reader.read(text).text.lower().replace("’", "'")
    spaced = "".join(character if _is_of_word(character) else " " for character in read)
    words = (word.strip("'") for word in spaced.split())
    return [_SHORT.get(word, word) for word in words if word]


def _is_of_word(character: str) -> bool:
    """Whether a word goes on: vowel signs, as those of Hindi, are no letters to Python."""
    return character.isalnum() or character == "'" or unicodedata.category(character).startswith("M")


def word_error_rate(texts: Iterable[tuple[str, str]], reader: Reader) -> float:
    """Errors per word of all texts together, each beside its transcript; NaN where they have no words."""
    return total(phoneme_error_rate(words_of(said, reader), words_of(heard, reader)) for said, heard in texts).rate


class WordErrors:
    """The word error rate of the validation sentences, at every so many validations.

    The random state of the training is left alone, so that it makes no difference to what is learned.

    Args:
        config: the experiment, with `train.asr`.

    Raises:
        InputError: there is no such ASR, or no sentence for it.
    """

    def __init__(self, config: Config) -> None:
        assert config.train.asr is not None
        if config.train.spoken_sentences == 0:
            raise InputError(
                f"train.asr = {config.train.asr} has nothing to transcribe with train.spoken_sentences = 0: raise "
                "that, or leave train.asr out"
            )
        self.train, self.sample_rate = config.train, config.audio.sample_rate
        self.reader = Reader(config.data.language)
        with restored():
            self.transcriber = load_transcriber(config.train.asr, config.data.language, option="train.asr")
        self.of_recordings: float | None = None  # measured once

    def is_due(self, step: int) -> bool:
        """Whether it is the turn of the validation at this step; the one at `train.steps` always has it."""
        every = self.train.validate_every
        return step % (every * self.train.asr_every) == 0 or step % every != 0 or step >= self.train.steps

    def measure(self, sentences: Sequence[SynthesizedClip]) -> dict[str, float]:
        """The rates in percent, of the synthesized sentences and of their recordings.

        Nothing where there are no sentences; and nothing but a warning where the ASR fails, for training goes on.
        """
        if not sentences:
            return {}
        try:
            if self.of_recordings is None:
                self.of_recordings = self._rate([(each.clip.text, each.recording) for each in sentences])
            generated = self._rate([(each.clip.text, each.audio) for each in sentences])
        except InputError as error:
            warnings.warn(f"no word error rate: {error}", stacklevel=2)
            return {}
        return {"word_error_rate": generated, "recorded_word_error_rate": self.of_recordings}

    def _rate(self, spoken: Sequence[tuple[str, npt.NDArray[np.float32]]]) -> float:
        with restored():
            transcripts = [(text, self.transcriber(audio, self.sample_rate)) for text, audio in spoken]
        return _PERCENT * word_error_rate(transcripts, self.reader)
