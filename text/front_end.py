"""The text front end: text to symbol ids, the same for training and inference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from text.characters import split_blocks
from text.layout import paragraphs
from text.lexicon import Lexicon
from text.markup import plain_text
from text.normalise import Reader
from text.phonemise import EspeakPhonemiser, GraphemePhonemiser, Phonemiser
from text.portions import portions
from text.symbols import Encoded, SymbolTable

FrontEnd = Literal["espeak", "graphemes"]

_CLAUSE_MARKS = frozenset(",;:.!?–—")


@dataclass(frozen=True)
class Portion:
    """A few sentences of a text that are normalised and encoded together."""

    words: tuple[str, ...]  # normalised; `[[phonemes]]` are one
    sentences: tuple[Encoded, ...]


class TextFrontEnd:
    """Normalises, phonemises and encodes text.

    Args:
        kind: espeak for IPA phonemes, graphemes for letters.
        language: an espeak-ng voice; selects the phonemes and the rules of normalisation.
        symbols: symbol table of the voice.
        lexicon: pronunciations or spellings of single words.

    Raises:
        InputError: piper-tts is not installed, or espeak-ng does not know the language.
    """

    def __init__(self, *, kind: FrontEnd, language: str, symbols: SymbolTable, lexicon: Lexicon | None = None) -> None:
        self.symbols = symbols
        self.reader = Reader(language, lexicon)
        self.phonemise: Phonemiser = phonemiser(kind, language)

    def utterance(self, text: str) -> Encoded:
        """Encode a transcript for training: all sentences, joined by spaces, as one `^ ... $`.

        `unknown` holds the characters that normalisation dropped, then the symbols without an id.
        """
        readings = [self.reader.read(paragraph) for paragraph in paragraphs(plain_text(text)[0])]
        joined: list[str] = []
        for sentence in (sentence for reading in readings for sentence in self.phonemise(reading.spoken)):
            if joined and sentence:
                joined.append(" ")
            joined += sentence
        encoded = self.symbols.encode(joined)
        return replace(encoded, unknown=sum((r.dropped for r in readings), ()) + encoded.unknown)

    def sentences(self, text: str, *, max_symbols: int = 400) -> list[Encoded]:
        """Encode a text for inference, one `^ ... $` per sentence; empty if it has no letters.

        Characters that normalisation dropped are in `unknown` of the first sentence of their portion. Sentences without
        a letter or phoneme (`...`) are left out. A sentence of more than `max_symbols` symbols is split after the last
        clause mark, else at the last space, else anywhere, so that memory is bounded. Linear time.
        """
        return [encoded for portion in self.portions(text, max_symbols=max_symbols) for encoded in portion.sentences]

    def portions(self, text: str, *, max_symbols: int = 400) -> Iterator[Portion]:
        """The same sentences with their words, a few at a time, computed lazily."""
        if max_symbols < 1:
            raise ValueError(f"max_symbols = {max_symbols}: a sentence needs at least one symbol")
        for part in portions(plain_text(text)[0], self._parted):
            portion = self._portion(part, max_symbols)
            if portion.sentences:
                yield portion

    def _parted(self, before: str, after: str) -> bool:
        """Whether phonemising the concatenation is the same as phonemising each part."""
        together, first = self._said(before + after), self._said(before)
        return together[: len(first)] == first and together[len(first) :] == self._said(after)

    def _said(self, text: str) -> Sequence[Sequence[str]]:
        return self.phonemise(self.reader.read(text).spoken)

    def _portion(self, text: str, max_symbols: int) -> Portion:
        reading = self.reader.read(text)
        pieces = (piece for sentence in self.phonemise(reading.spoken) for piece in _cut(sentence, max_symbols))
        spoken = [encoded for encoded in map(self.symbols.encode, pieces) if encoded.sounds]
        if spoken and reading.dropped:
            spoken[0] = replace(spoken[0], unknown=reading.dropped + spoken[0].unknown)
        return Portion(tuple(_words(reading.text)), tuple(spoken))


def phonemiser(kind: FrontEnd, language: str) -> Phonemiser:
    """The phonemiser of this kind; graphemes ignore the language."""
    return EspeakPhonemiser(language) if kind == "espeak" else GraphemePhonemiser()


def _words(text: str) -> Iterator[str]:
    for index, part in enumerate(split_blocks(text)):
        words = [part] if index % 2 else part.split()
        yield from (word for word in words if any(map(str.isalnum, word)))


def _cut(sentence: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    start = 0
    while len(sentence) - start > most:
        end = _cut_end(sentence, start, start + most)
        yield sentence[start:end]
        start = end
        while start < len(sentence) and sentence[start] == " ":
            start += 1
    yield sentence[start:]


def _cut_end(sentence: Sequence[str], start: int, end: int) -> int:
    """The best end of a piece from `start` to at most `end`."""
    spaces = [index for index in range(start + 1, end + 1) if sentence[index] == " "]
    after_marks = [index for index in spaces if sentence[index - 1] in _CLAUSE_MARKS]
    return max(after_marks or spaces, default=end)
