"""Segmentation of a text into the units that a recording may be cut between: sentences and clauses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from text import TextFrontEnd

_CLOSERS = r"""["')\]”’»›）」』]*"""
_SENTENCE_END = re.compile(rf"[.!?…]+{_CLOSERS}\s+|[。！？｡।॥؟۔]{_CLOSERS}\s*|\n\s*\n")
_CLAUSE_END = re.compile(rf"[,;:–—،؛]{_CLOSERS}\s+|\s+[–—-]+\s+|[，、；：]\s*")
_CONTEXT = 100  # characters on each side that decide whether a sentence ends


@dataclass(frozen=True)
class Unit:
    """A sentence, or a clause of one."""

    text: str
    ends_sentence: bool
    length: int  # in symbols: phonemes or letters, punctuation and blanks


def units_of(text: str, front_end: TextFrontEnd) -> list[Unit]:
    """Segment a text after every sentence and clause; unspeakable parts are joined to the unit before, or else after.

    Args:
        text: of any length.
        front_end: phonemises it. If the two sides of a full stop have other phonemes together than apart, as after an
            abbreviation, no sentence ends there.
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
