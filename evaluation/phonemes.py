"""The phonemes of a sentence and their ids.

A phoneme is a sound with the marks that belong to it (the stress before, the length after) and the blanks behind them.
A space or a punctuation mark is a pause of its own, and so are the start and the end of the sentence.

P ids · N phonemes and pauses
"""

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from text import Encoded
from text.symbols import BOS, EOS, PAD, is_sound

_STRESS = frozenset("ˈˌ")
_MARKS = ("Lm", "Mn", "Sk")  # categories of Unicode: modifiers and combining marks


@dataclass(frozen=True, eq=False)
class Phonemes:
    """Phonemes and pauses, and where each begins among the ids."""

    names: tuple[str, ...]  # [N], such as "ˈɑː", ",", or "^" before all else
    starts: npt.NDArray[np.int64]  # [N], rising from 0: each reaches up to the next
    is_sound: npt.NDArray[np.bool_]  # [N]; the others are pauses


def phonemes_of(encoded: Encoded) -> Phonemes:
    """Group the ids `^ _ p1 _ ... pn _ $`, or `_ p1 _ ... pn _` of a voice without ends."""
    has_ends = len(encoded.ids) > 2 * len(encoded.symbols) + 1
    names, starts = [BOS if has_ends else PAD], [0]
    for place, symbol in enumerate(encoded.symbols):
        if _belongs_to(names[-1], symbol):
            names[-1] += symbol
        else:
            names.append(symbol)
            starts.append(2 * place + 1 + has_ends)
    if has_ends:
        names.append(EOS)
        starts.append(len(encoded.ids) - 1)
    sounds = [any(map(is_sound, name)) for name in names]
    return Phonemes(tuple(names), np.array(starts), np.array(sounds))


def _belongs_to(name: str, symbol: str) -> bool:
    """Whether a symbol belongs to the phoneme before: a sound to its stress mark, or a length mark to its sound."""
    if name[-1] in _STRESS:
        return is_sound(symbol)
    is_mark = unicodedata.category(symbol) in _MARKS and symbol not in _STRESS
    return is_mark and any(map(is_sound, name))
