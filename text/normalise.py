"""Text normalisation: numbers, dates, money, abbreviations, addresses and signs are written as they are read aloud.

English, Dutch and German have rules. In other languages only characters and punctuation are normalised, and numbers are
left to the phonemiser. Characters without a reading are dropped and reported.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from text import english
from text.characters import clean, split_blocks
from text.continental import TABLES
from text.continental.reader import TableReader
from text.lexicon import Lexicon
from text.marks import clause_marks, leave_out_rules, nameless_marks, plain_marks, separate
from text.markup import plain_text

_BLOCK = "\ue000"  # stands for [[phonemes]] while the text around them is read; it is of no script, and private
_MODIFIERS = frozenset("\ufe0e\ufe0f\u20e3🏻🏼🏽🏾🏿")  # parts of a pictograph, not reported by themselves
_PUNCTUATION = frozenset(f" .,;:!?'\"()-–—¿¡{_BLOCK}")
_BRACKETS = str.maketrans("[]{}", "()()")
_STRAY_SPACE = re.compile(r"(?<=\S) (?=[,;:.!?)](?:\s|$))")
_MOST_PASSES = 5  # the result of one rule may be the context of another; mostly two passes, rarely three
_READ_SYMBOLS = frozenset("₀₁₂₃₄₅₆₇₈₉⁰⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Reading:
    """A normalised text."""

    text: str  # on one line; normalising it again changes nothing
    spoken: str  # the same with hints and clause marks for the phonemiser
    dropped: tuple[str, ...]  # characters without a reading, in order


def normalise(text: str, language: str = "en-us") -> str:
    """Normalise a text in the language of an espeak-ng voice."""
    return _reader(language).read(text).text


class Reader:
    """Normalises texts of one language.

    Args:
        language: an espeak-ng voice, such as en-us, nl or de.
        lexicon: pronunciations or spellings of single words.
    """

    def __init__(self, language: str, lexicon: Lexicon | None = None) -> None:
        self.language = language
        code = language.partition("-")[0].lower()
        self._rules = _rules(code)
        self._hint = english.hint if code == "en" else None
        self._before, self._after = (lexicon or Lexicon({})).divided(self._would_change)

    def read(self, text: str) -> Reading:
        """Normalise a text and remove its markup; `[[phonemes]]` stay. Linear time; never fails."""
        dropped: list[str] = []
        line = self._read_line(self._before.apply(clean(plain_text(text)[0])), dropped)
        text = self._after.apply(line)
        return Reading(text, self._spoken(text), tuple(dropped))

    def _would_change(self, word: str) -> bool:
        """Whether normalisation would change a word, such as C++ or vs., so that the lexicon must be applied first."""
        plain = all(character.isalpha() or character in " '-" for character in word)
        return not plain or self._read_line(word, []) != word

    def _spoken(self, text: str) -> str:
        if not self.language:
            return text
        parts = split_blocks(text)
        line = _BLOCK.join(parts[::2])
        parts[::2] = clause_marks(line if self._hint is None else self._hint(line)).split(_BLOCK)
        return "".join(parts)

    def _read_line(self, text: str, dropped: list[str]) -> str:
        parts = split_blocks(text)
        for index in range(0, len(parts), 2):
            parts[index] = _leave_out(parts[index], dropped, _is_picture if self._rules is None else _is_foreign)
        line, before = " ".join(_BLOCK.join(parts[::2]).split()), None
        if self.language:
            line = separate(leave_out_rules(plain_marks(line), dropped))
        for _ in range(_MOST_PASSES if self.language else 0):
            if line == before:
                break
            before = line
            line = " ".join(self._read_once(line, dropped).split())
        parts[::2] = line.split(_BLOCK)
        return " ".join("".join(parts).split())

    def _read_once(self, line: str, dropped: list[str]) -> str:
        if self._rules is None:
            return separate(_leave_out(line, dropped, nameless_marks(line).__contains__))
        line = self._rules(line, self.language).translate(_BRACKETS)
        line = separate(_leave_out(line, dropped, _is_sign))
        return _STRAY_SPACE.sub("", " ".join(line.split()))


@lru_cache(maxsize=16)
def _reader(language: str) -> Reader:
    return Reader(language)


@lru_cache(maxsize=16)
def _rules(language: str) -> Callable[[str, str], str] | None:
    if language == "en":
        return english.read
    return TableReader(TABLES[language]) if language in TABLES else None


def _leave_out(text: str, dropped: list[str], unreadable: Callable[[str], bool]) -> str:
    """Replace every unreadable character by a space."""
    without = {character for character in set(text) if unreadable(character)}
    if not without:
        return text
    named = without - _MODIFIERS
    dropped += [character for character in text if character in named]
    return text.translate(dict.fromkeys(map(ord, without), " "))


@lru_cache(maxsize=4096)
def _is_picture(character: str) -> bool:
    """Whether a character is a pictograph, private or unassigned."""
    if character in _MODIFIERS:
        return True
    category = unicodedata.category(character)
    symbol = category == "So" and character >= "\u2190" and not "\u3200" <= character < "\u3400"
    return symbol or category in ("Co", "Cn")


@lru_cache(maxsize=4096)
def _is_foreign(character: str) -> bool:
    """Whether a character is a pictograph, or a letter that is not Latin or Greek; digits of any script are read."""
    if character < "\u0250" or character in _READ_SYMBOLS:
        return False
    if unicodedata.category(character)[0] not in "LMN":
        return _is_picture(character)
    name = unicodedata.name(character, "")
    known = name.startswith(("LATIN ", "GREEK ", "COMBINING ", "VULGAR FRACTION", "OHM ")) or character.isdecimal()
    return character in _MODIFIERS or not known


@lru_cache(maxsize=4096)
def _is_sign(character: str) -> bool:
    """Whether a character of a normalised text is neither a Latin letter nor punctuation."""
    if character in _PUNCTUATION or character.isspace() or (character.isascii() and character.isalnum()):
        return False
    return not unicodedata.name(character, "").startswith(("LATIN ", "COMBINING "))
