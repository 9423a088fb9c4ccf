"""The symbol table: ids of the symbols of a voice, stored with it.

Ids and their order are those of Piper's runtime, `^ _ p1 _ p2 _ ... $`: start, every symbol followed by a pad, end. A
voice that was trained without a start and an end, as in the original repository, reads `_ p1 _ p2 _ ...`.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from configs import InputError
from text.lexicon import Lexicon
from text.normalise import Reader

PAD, BOS, EOS = "_", "^", "$"
SPECIAL_SYMBOLS = {PAD: 0, BOS: 1, EOS: 2}
PUNCTUATION = " !\"'(),-.:;?–—"


PIPER_MISSING = (
    'data.front_end = "espeak" needs piper-tts: pip install piper-tts (GPL-3), or set data.front_end=graphemes to read '
    "letters instead of phonemes"
)


@dataclass(frozen=True)
class Encoded:
    """An encoded sentence."""

    ids: tuple[int, ...]  # [2 n + 3]: ^ _ p1 _ ... pn _ $, or [2 n + 1]: _ p1 _ ... pn _
    symbols: tuple[str, ...]  # [n]: the symbols that have ids
    unknown: tuple[str, ...]  # the symbols that have none, in the order they were met

    @property
    def sounds(self) -> int:
        """Number of symbols that are letters or phonemes."""
        return sum(map(is_sound, self.symbols))


def is_sound(symbol: str) -> bool:
    """Whether a symbol is a letter or a phoneme; stress, length and other marks alone are not."""
    return unicodedata.category(symbol) in ("Ll", "Lu", "Lo", "Lt")


@dataclass(frozen=True)
class SymbolTable:
    """Ids of symbols: the pad is 0, start and end are 1 and 2 or both missing.

    Raises:
        InputError: a special symbol has another id, a symbol is not one character, or an id is used twice.
    """

    ids: Mapping[str, int]
    pad: ClassVar[str] = PAD
    bos: ClassVar[str] = BOS
    eos: ClassVar[str] = EOS

    def __post_init__(self) -> None:
        for symbol, index in SPECIAL_SYMBOLS.items():
            if self.ids.get(symbol) != index and (symbol == PAD or self.has_ends):
                raise InputError(f"the symbol table gives {symbol!r} the id {self.ids.get(symbol)}, not {index}")
        owners: dict[int, str] = {}
        for symbol, index in self.ids.items():
            if len(symbol) != 1:
                raise InputError(f"the symbol table has {symbol!r}: a symbol is one character")
            if type(index) is not int or index < 0:
                raise InputError(f"the symbol table gives {symbol!r} the id {index!r}, which is not a whole number")
            if index in owners:
                raise InputError(f"the symbol table gives both {owners[index]!r} and {symbol!r} the id {index}")
            owners[index] = symbol

    @property
    def has_ends(self) -> bool:
        """Whether a sentence begins with a start symbol and ends with an end symbol."""
        return BOS in self.ids or EOS in self.ids

    @property
    def size(self) -> int:
        """Rows of an embedding for all ids: the highest id plus one."""
        return max(self.ids.values()) + 1

    def encode(self, symbols: Iterable[str]) -> Encoded:
        """Ids of one sentence. Symbols without an id, and the three special ones, are left out and returned."""
        kept: list[str] = []
        unknown: list[str] = []
        for symbol in symbols:
            (kept if symbol in self.ids and symbol not in SPECIAL_SYMBOLS else unknown).append(symbol)
        ids = [SPECIAL_SYMBOLS[PAD]]
        for symbol in kept:
            ids += (self.ids[symbol], SPECIAL_SYMBOLS[PAD])
        if self.has_ends:
            ids = [SPECIAL_SYMBOLS[BOS], *ids, SPECIAL_SYMBOLS[EOS]]
        return Encoded(tuple(ids), tuple(kept), tuple(unknown))

    def to_json(self) -> str:
        """One JSON object, symbol to id, in the order of the ids."""
        return json.dumps(dict(sorted(self.ids.items(), key=lambda item: item[1])), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "SymbolTable":
        """What `to_json` wrote.

        Raises:
            InputError: it is not a symbol table.
        """
        try:
            ids = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the symbol table is not JSON: {error}") from error
        if not isinstance(ids, dict):
            raise InputError("the symbol table is not a JSON object of symbols and their ids")
        return cls(ids)


def piper_symbols() -> SymbolTable:
    """The phoneme ids of Piper's runtime, without its symbols of several characters, which other runtimes refuse.

    Raises:
        InputError: piper-tts is not installed.
    """
    try:
        from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
    except ImportError as error:
        raise InputError(PIPER_MISSING) from error
    return SymbolTable(
        {symbol: ids[0] for symbol, ids in DEFAULT_PHONEME_ID_MAP.items() if len(symbol) == len(ids) == 1}
    )


def grapheme_symbols(texts: Sequence[str], language: str = "", lexicon: Lexicon | None = None) -> SymbolTable:
    """A table of the special symbols, punctuation, and the lower-case letters of these texts, by code point.

    The texts are normalised in this language with this lexicon; without a language they are used as they are. Digits
    and signs are left out, because graphemes do not determine how a number is spoken.
    """
    reader = Reader(language, lexicon)
    characters = set(unicodedata.normalize("NFC", "".join(reader.read(text).spoken.lower() for text in texts)))
    letters = sorted(character for character in characters if unicodedata.category(character)[0] in "LM")
    return SymbolTable({symbol: index for index, symbol in enumerate([*SPECIAL_SYMBOLS, *PUNCTUATION, *letters])})
