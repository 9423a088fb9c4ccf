"""Text of unknown origin, as it can be shown: nothing in it is invisible, moves the cursor or turns the line around."""

import unicodedata

# Controls, formatting (such as the marks that reverse the direction), surrogates, private use, line separators.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"  # part of the spelling in Arabic and Indic scripts


def printable(text: str, most: int | None = None) -> str:
    """The text with what cannot be seen as ⟨U+202E⟩, cut after `most` characters."""
    cut = text if most is None else text[:most]
    shown = "".join(_shown(character) for character in cut)
    return shown if len(cut) == len(text) else f"{shown}… ({len(text)} characters)"


def symbol_name(symbol: str) -> str:
    """A symbol as it can be read on its own: an accent above or below a dotted circle, a space by its name."""
    if symbol == " ":
        return "space"
    return f"◌{symbol}" if unicodedata.category(symbol)[0] == "M" else _shown(symbol)


def _shown(character: str) -> str:
    if character not in _JOINERS and unicodedata.category(character) in _HIDDEN:
        return f"⟨U+{ord(character):04X}⟩"
    return character
