"""Splitting of long texts into portions, such that processing the portions equals processing the whole.

Most sentence ends are found by regular expressions. Where none is found for long, a candidate is accepted if
phonemising the text around it gives the same as phonemising both sides, in whatever language.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, islice

from text.layout import paragraphs

LEAST_CHARACTERS = 300  # a few sentences, so that audio begins before the whole text is processed
MOST_CHARACTERS = 2000  # of what is not a single block of phonemes

# A sure sentence end: no abbreviation has so many small letters.
_SURE_END = re.compile(r"""(?:[!?]|(?<=[a-zß-öø-ÿ]{6})\.)["')”’]*\s+(?=["'(“‘]?[A-ZÀ-ÖØ-Þ])""")
_CLOSERS = r"""["')\]”’»›）」』]*"""
_LIKELY_END = re.compile(rf"(?:[!?]|(?<=\w\w\w\w)\.){_CLOSERS}\s+|[。！？｡．।॥؟۔։።။។]{_CLOSERS}\s*")
_POSSIBLE_END = re.compile(rf"[.;…·]{_CLOSERS}\s+")  # also of abbreviations; Greek asks with a semicolon
_CLAUSE_END = re.compile(r"[,;:.!?…–—،؛]\s+|[，、；：]")
_SPACE = re.compile(r"\s+")
_ASKED = 8  # candidates that are tested per portion
_BEFORE, _AFTER = 200, 120  # characters around a candidate that are phonemised

Parted = Callable[[str, str], bool]  # whether two adjacent texts can be processed separately


def portions(text: str, parted: Parted) -> Iterator[str]:
    """Split a text into paragraphs, and long paragraphs into portions of bounded length.

    A portion ends with a sentence; if no sentence surely ends within the bound, with a likely sentence, else a clause,
    else a word. A block of `[[phonemes]]` is never split.

    Args:
        text: of any length.
        parted: tests a candidate for a sentence end.
    """
    for paragraph in paragraphs(text):
        yield from _parts(paragraph, parted)


def _parts(paragraph: str, parted: Parted) -> Iterator[str]:
    start, last_block = 0, paragraph.rfind("]]")

    def found(pattern: re.Pattern[str], first: int) -> Iterator[int]:
        """Where a match ends, between this place and the most that a portion may have, outside of blocks."""
        ends = (match.end() for match in pattern.finditer(paragraph, first, start + MOST_CHARACTERS))
        return (here for here in ends if here < len(paragraph) and outside(here) == here)

    def outside(here: int) -> int:
        """This place, or the end of the block that it is in."""
        opened = paragraph.rfind("[[", start, here)
        if not 0 <= opened < last_block or paragraph.find("]]", opened + 2, here) >= 0:
            return here
        return paragraph.find("]]", opened + 2) + 2

    def portion_end() -> int:
        least, half = start + LEAST_CHARACTERS, start + MOST_CHARACTERS // 2
        for sure in found(_SURE_END, least):
            return sure
        if len(paragraph) - start <= MOST_CHARACTERS:
            return len(paragraph)
        for here in islice(chain(found(_LIKELY_END, least), found(_POSSIBLE_END, least)), _ASKED):
            if parted(paragraph[max(start, here - _BEFORE) : here], paragraph[here : here + _AFTER]):
                return here
        for pattern in (_LIKELY_END, _POSSIBLE_END, _CLAUSE_END, _SPACE):
            for last in deque(found(pattern, half), maxlen=1):
                return last
        return outside(start + MOST_CHARACTERS)

    while start < len(paragraph):
        here = portion_end()
        yield paragraph[start:here]
        start = here
