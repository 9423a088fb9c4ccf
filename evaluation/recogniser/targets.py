"""What a recogniser is to hear of a sentence: its phonemes or letters, without what makes no sound of its own."""

import unicodedata
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from text import SymbolTable

_STRESS = frozenset("ˈˌ")


def phonemes_said(symbols: Iterable[str]) -> list[str]:
    """The letters among the symbols of a sentence, phonetic or not, and the marks that belong to them.

    Length, nasalisation and vowel signs stay, each as a symbol of its own; stress, word gaps, punctuation, blanks,
    starts and ends go.
    """
    return [symbol for symbol in symbols if unicodedata.category(symbol)[0] in "LM" and symbol not in _STRESS]


def phonemes_of_ids(ids: npt.NDArray[np.int64], symbols: SymbolTable) -> list[str]:
    """The same of a clip, whose sentence is there as ids [P]."""
    names = {index: symbol for symbol, index in symbols.ids.items()}
    return phonemes_said(names[index] for index in ids.tolist())
