"""A text in units that a recording may be cut between: sentences, and the clauses of sentences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from text import TextFrontEnd

_CLOSERS = r"""["')\]”’»›）」』]*"""
_SENTENCE_END = re.compile(rf"[.!?…]+{_CLOSERS}\s+|[。！？｡।॥؟۔]{_CLOSERS}\s*|\n\s*\n")
_CLAUSE_END = re.compile(rf"[,;:–—،؛]{_CLOSERS}\s+|\s+[–—-]+\s+|[，、；：]\s*")
_CONTEXT = 100  # characters on each side that are read to find out whether a sentence ends


@dataclass(frozen=True)
class Unit:
    """A part of a text, as it is written."""

    text: str
    ends_sentence: bool
    length: int  # symbols: phonemes or letters, and the marks and blanks between them


def units_of(text: str, front_end: TextFrontEnd) -> list[Unit]:
    """Cut a text after every sentence and clause; what cannot be spoken goes with what is before it, or else after it.

    Args:
        text: of any length.
        front_end: reads it; where reading the two sides of a mark together is not reading them apart, as after an
            abbreviation, no sentence ends.
    """
    found: list[tuple[str, bool]] = []
    for piece, ends_sentence in _pieces(text, front_end):
        if found and not (_length(piece, front_end) and _length(found[-1][0], front_end)):
            found[-1] = f"{found[-1][0]} {piece}", ends_sentence
        elif piece:
            found.append((piece, ends_sentence))
    return [Unit(piece, ends, _length(piece, front_end)) for piece, ends in found]


def _pieces(text: str, front_end: TextFrontEnd) -> Iterator[tuple[str, bool]]:
    sentence_ends = {
        match.end() for match in _SENTENCE_END.finditer(text) if _parted(text, match.start(), match.end(), front_end)
    }
    clause_ends = {match.end() for match in _CLAUSE_END.finditer(text)}
    start = 0
    for end in sorted(sentence_ends | clause_ends | {len(text)}):
        yield " ".join(text[start:end].split()), end in sentence_ends or end == len(text)
        start = end


def _parted(text: str, mark: int, end: int, front_end: TextFrontEnd) -> bool:
    if "\n" in text[mark:end]:
        return True
    before, after = text[max(0, mark - _CONTEXT) : end], text[end : end + _CONTEXT]
    together, first, second = (front_end.utterance(part).symbols for part in (before + after, before, after))
    return list(together) in ([*first, " ", *second], [*first, *second])


def _length(text: str, front_end: TextFrontEnd) -> int:
    return len(front_end.utterance(text).symbols)
