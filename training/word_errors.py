"""Word error rate: what an ASR has understood of speech, against the text.

Both texts are normalised first, so that `7` and `seven`, or `Mr.` and `Mister`, are one word, and capitals, marks and
hyphens do not count. Compounds that are written in two ways are two words against one, as is usual.
"""

import re
from collections.abc import Iterable

from text.normalise import Reader
from training.recogniser.error_rate import phoneme_error_rate, total

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# Abbreviations that normalisation leaves to espeak-ng, and their words.
_SHORT = {"mister": "mr", "missus": "mrs", "missis": "mrs", "doctor": "dr", "saint": "st", "company": "co"}


def words_of(text: str, reader: Reader) -> list[str]:
    """The words of a text, as they are compared."""
    words = _WORD.findall(reader.read(text).text.lower().replace("’", "'"))
    return [_SHORT.get(word, word) for word in words]


def word_error_rate(texts: Iterable[tuple[str, str]], reader: Reader) -> float:
    """Errors per word of all texts together, each beside its transcript; NaN where they have no words."""
    return total(phoneme_error_rate(words_of(said, reader), words_of(heard, reader)) for said, heard in texts).rate
