"""Splitting of clauses that are too long for espeak-ng.

espeak-ng keeps a clause in buffers of a fixed size (800 bytes, 300 words and 1000 phonemes in its sources). It loses or
joins words of a longer clause, and a clause with 33 or more parts of words between marks (`a.a.a`, `'s's's`) overruns a
buffer and crashes the process. The limits here are well below these, and above what people write.
"""

import re
import unicodedata
from collections.abc import Iterator

MOST_COST = 600  # of a clause, in small letters
_MOST_WORDS = 150  # of a clause
_MOST_MARKS = 12  # within one word

# A digit, a sign or a letter that is spelled becomes several phonemes; a mark within a word makes a part of it.
_COSTLY = re.compile(r"[^a-zà-öø-ÿ\s]\s?")
_DIGIT, _MARK, _OTHER = 8, 30, 6
_WORD = re.compile(r"\S+\s*|\s+")
_LONG_WORD = re.compile(rf"\S{{{_MOST_MARKS + 1}}}")
_CLAUSE_END = re.compile(r"(?:\w[,;:!?…–—。！？、，；：।॥؟،؛]|[^\W\d_]{3}\.)[\"')\]”’»]*\s+$")


def holdable(text: str) -> list[str]:
    """Split a text into pieces that fit espeak-ng's buffers; a clause continues from one piece to the next.

    Nearly every text is one piece. Splits are between words, or within a word that is too long itself.
    """
    if _LONG_WORD.search(text):
        text = "".join(_held_words(text))
    if _cost(text) <= MOST_COST and text.count(" ") < _MOST_WORDS:
        return [text]
    pieces, start = list[str](), 0
    cost, words, cut = 0, 0, 0  # since the clause or the piece began; where it would best be cut
    for match in _WORD.finditer(text):
        own = _cost(match[0])
        if words and (cost + own > MOST_COST or words >= _MOST_WORDS):
            end = cut if cut > start else match.start()
            pieces.append(text[start:end])
            cost, words, start = _cost(text[end : match.start()]), text.count(" ", end, match.start()), end
        cost, words = cost + own, words + 1
        if _CLAUSE_END.search(match[0]):
            cost, words = 0, 0
        elif match[0].rstrip()[-1:].isalnum():  # after a mark it could not be told whether the sentence ends
            cut = match.end()
    return [*pieces, text[start:]]


def _cost(text: str) -> int:
    return len(text) + sum(map(_extra, _COSTLY.findall(text)))


def _extra(sign: str) -> int:
    """Cost of a character beyond that of a letter; a mark is passed with the blank behind it."""
    if sign[0].isdecimal():
        return _DIGIT
    if sign[0].isalpha() or len(sign) > 1:
        return _OTHER
    return _MARK if unicodedata.category(sign)[0] in "PSC" else _OTHER


def _held_words(text: str) -> Iterator[str]:
    """The words of a text; words that are too long for espeak-ng are split by spaces."""
    for match in _WORD.finditer(text):
        word = match[0]
        if len(word) <= _MOST_MARKS or (len(word) < MOST_COST // _OTHER and word.rstrip().isalpha()):
            yield word
            continue
        cost = marks = 0
        for character in word:
            is_mark = unicodedata.category(character)[0] in "PSC"
            cost, marks = cost + (1 if is_mark else _cost(character)), marks + is_mark
            if marks > _MOST_MARKS or cost > MOST_COST:
                yield " "
                cost, marks = 0, int(is_mark)
            yield character
