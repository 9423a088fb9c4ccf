"""Text front end, shared by training and inference: normalisation, phonemes or graphemes, symbol ids."""

from text.front_end import FrontEnd, TextFrontEnd
from text.lexicon import Lexicon
from text.normalise import Reader, Reading, normalise
from text.phonemise import EspeakPhonemiser, GraphemePhonemiser, Phonemiser
from text.symbols import Encoded, SymbolTable, grapheme_symbols, piper_symbols

__all__ = [
    "Encoded",
    "EspeakPhonemiser",
    "FrontEnd",
    "GraphemePhonemiser",
    "Lexicon",
    "Phonemiser",
    "Reader",
    "Reading",
    "SymbolTable",
    "TextFrontEnd",
    "grapheme_symbols",
    "normalise",
    "piper_symbols",
]
