"""Symbol tables of other programs' voices, converted to ours, where each symbol has its own row of the embedding."""

import json
import math
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configs import InputError

_BLANK, _ENDS = "_", {"^": 1, "$": 2}

_PUBLISHED_MARKS = ';:,.!?¡¿—…"«»“” '
# The apostrophe is in the published list twice; the later index counts. ̩ marks a syllabic consonant.
_PUBLISHED_PHONEMES = (
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'\u0329'ᵻ"
)


@dataclass(frozen=True)
class Alphabet:
    """A symbol table and its rows of the original embedding."""

    ids: dict[str, int]  # by symbol
    rows: tuple[int, ...]  # for each of our rows, the row of their embedding
    notes: tuple[str, ...]

    @property
    def symbols(self) -> str:
        """The symbol table, as JSON."""
        return json.dumps(dict(sorted(self.ids.items(), key=lambda item: item[1])), ensure_ascii=False)


def published_ids() -> dict[str, int]:
    """The 178 IPA symbols of the original repository's voices, which its descendants share."""
    symbols = [_BLANK, *_PUBLISHED_MARKS, *string.ascii_uppercase, *string.ascii_lowercase, *_PUBLISHED_PHONEMES]
    return {symbol: index for index, symbol in enumerate(symbols)}


def settle_alphabet(theirs: Mapping[str, int], *, rows: int, source: str) -> Alphabet:
    """Convert a symbol table to our rules: id 0 is the blank alone, and a symbol is one character.

    A symbol that shares its id with the blank or another symbol gets a copy of the row.

    Args:
        theirs: ids by symbol.
        rows: of their embedding.
        source: the file, for messages.

    Raises:
        InputError: an id has no row.
    """
    refuse_unknown_rows(theirs, rows=rows, source=source)
    ids, chosen, dropped = {_BLANK: 0}, list(range(rows)), []
    has_ends = all(theirs.get(symbol) == index for symbol, index in _ENDS.items())
    for symbol, index in theirs.items():
        if len(symbol) != 1 or (symbol in _ENDS and not has_ends) or (symbol == _BLANK and index):
            dropped.append(symbol)
        elif symbol != _BLANK and index in ids.values():
            ids[symbol] = len(chosen)
            chosen.append(index)
        else:
            ids[symbol] = index
    notes: tuple[str, ...] = ()
    if dropped:
        notes = (f"symbols that are not one character are left out: {' '.join(sorted(dropped))}",)
    return Alphabet(ids, tuple(chosen), notes)


def refuse_unknown_rows(ids: Mapping[str, Any], *, rows: int | None, source: str) -> None:
    """Refuse a symbol table that does not fit the embedding.

    Args:
        ids: by symbol.
        rows: of the embedding; None if unknown.
        source: the file, for messages.

    Raises:
        InputError: an id has no row, or is no whole number.
    """
    for symbol, index in ids.items():
        if type(index) is not int or not 0 <= index < (math.inf if rows is None else rows):
            held = "" if rows is None else f", but the embedding has {rows} rows"
            raise InputError(
                f"{source}: gives the symbol {symbol!r} the id {index!r}{held}: it is the symbol table of another voice"
            )
