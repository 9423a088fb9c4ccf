"""Which words of a text each group of phonemes says.

espeak-ng writes a space between words, but says some of them in one breath (`of the` is ʌvðə) and others in several.
So every word is also phonemised alone, and the letters of both are aligned (longest common subsequence): a group of
phonemes says those words whose letters it has.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from text.front_end import Portion, is_sound
from text.symbols import Encoded

_MOST_CELLS = 25_000_000  # of the alignment's table: 50 MB, for a text without the end of a sentence

Phonemise = Callable[[str], Sequence[Sequence[str]]]


@dataclass(frozen=True)
class SpokenWord:
    """A stretch of a sentence's symbols, and what it says."""

    text: str  # words of the text, mostly one; where none was found, the phonemes themselves
    first: int  # of the symbols
    end: int  # the one behind the last
    from_text: bool  # whether `text` is words of the text


class WordFinder:
    """Finds the words of a portion's sentences, when they are first asked for.

    Args:
        portion: of a text.
        phonemise: what has made its phonemes.
    """

    def __init__(self, portion: Portion, phonemise: Phonemise) -> None:
        self._portion, self._phonemise = portion, phonemise

    def of_sentence(self, place: int) -> list[SpokenWord]:
        """The spoken words of one sentence."""
        return self._sentences[place]

    @cached_property
    def _sentences(self) -> list[list[SpokenWord]]:
        return _spoken_words(self._portion, self._phonemise)


def _spoken_words(portion: Portion, phonemise: Phonemise) -> list[list[SpokenWord]]:
    spans = [(place, *span) for place, encoded in enumerate(portion.sentences) for span in _spans(encoded)]
    groups = [_sounds(portion.sentences[place].symbols[first:end]) for place, first, end in spans]
    alone = [_sounds([symbol for part in phonemise(word) for symbol in part]) for word in portion.words]
    said_by, owners = _pair(alone, groups)
    texts: list[list[str]] = [[] for _ in groups]
    for text, group in zip(portion.words, said_by, strict=True):
        if group is not None:
            texts[group].append(text)
    sentences: list[list[SpokenWord]] = [[] for _ in portion.sentences]
    for (place, owner), run in groupby(range(len(groups)), key=lambda group: (spans[group][0], owners[group])):
        several = list(run)
        first, end = spans[several[0]][1], spans[several[-1]][2]
        text = " ".join(texts[owner]) if owner in several else ""
        phonemes = "".join(portion.sentences[place].symbols[first:end])
        sentences[place].append(SpokenWord(text or phonemes, first, end, bool(text)))
    return sentences


def _spans(encoded: Encoded) -> Iterator[tuple[int, int]]:
    """Where the groups of a sentence begin and end, without the marks around them."""
    for is_space, places in groupby(range(len(encoded.symbols)), key=lambda place: encoded.symbols[place] == " "):
        said = [place for place in places if unicodedata.category(encoded.symbols[place])[0] != "P"]
        if not is_space and any(is_sound(encoded.symbols[place]) for place in said):
            yield said[0], said[-1] + 1


def _sounds(symbols: Sequence[str]) -> str:
    return "".join(filter(is_sound, symbols))


def _pair(words: Sequence[str], groups: Sequence[str]) -> tuple[list[int | None], list[int]]:
    """The group that says each word, and for each group itself, or the one that it continues.

    A word belongs to the group that has most of its letters; one without any of them to the next group if that is
    free, else to the group of the word before. A group that no word belongs to continues the word it has letters of.
    """
    votes = Counter[tuple[int, int]]()
    word_of = [index for index, sounds in enumerate(words) for _ in sounds]
    group_of = [index for index, sounds in enumerate(groups) for _ in sounds]
    for place, other in _common("".join(words), "".join(groups)):
        votes[word_of[place], group_of[other]] += 1
    said_by: list[int | None] = [None] * len(words)
    says = list(range(len(words), len(words) + len(groups)))  # a word for each group; these are none
    for (word, group), _ in sorted(votes.items(), key=lambda item: item[1]):  # the most votes come last
        said_by[word], says[group] = group, word
    free = set(range(len(groups))) - {group for _, group in votes}
    before = -1
    for word, voted in enumerate(said_by):
        if voted is None and (before + 1 in free or before >= 0):
            said_by[word] = before + 1 if before + 1 in free else before
            free.discard(before + 1)
        group_now = said_by[word]
        before = before if group_now is None else group_now
    taken = set(said_by)
    owners = []
    for group, word in enumerate(says):
        continued = said_by[word] if group not in taken and word < len(words) else None
        owners.append(group if continued is None else continued)
    return said_by, owners


def _common(words: str, groups: str) -> Iterator[tuple[int, int]]:
    """The places of a longest common subsequence in both strings, from the end."""
    row, column = len(words), len(groups)
    if row * column > _MOST_CELLS:
        return
    letters = np.array(list(groups))
    lengths = np.zeros((row + 1, column + 1), dtype=np.int16)
    for place, letter in enumerate(words):
        longest = np.maximum(lengths[place, 1:], lengths[place, :-1] + (letters == letter))
        np.maximum.accumulate(longest, out=lengths[place + 1, 1:])
    while row and column:
        if words[row - 1] == groups[column - 1]:
            row, column = row - 1, column - 1
            yield row, column
        elif lengths[row - 1, column] >= lengths[row, column - 1]:
            row -= 1
        else:
            column -= 1
