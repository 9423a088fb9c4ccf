"""Unicode normalisation: one code point for each character, and no control characters.

espeak-ng misreads full-width digits and fails on NUL and lone surrogates; a byte order mark or a soft hyphen splits a
word. Compatibility variants of letters and digits become plain ones. Characters with a meaning of their own (² ½ º) and
dashes, which espeak-ng knows as pauses, stay.
"""

import re
import unicodedata
from collections.abc import Callable

# Tags of a compatibility decomposition (Unicode, UAX 44) that say: the same character in another shape.
_SHAPES = frozenset(("<wide>", "<narrow>", "<font>", "<noBreak>", "<initial>", "<medial>", "<final>", "<isolated>"))
# These also mark characters that are more than their parts, so they are followed only to plain ASCII: ﬁ Ⅳ … ①
_SHAPES_OF_ASCII = frozenset(("<compat>", "<circle>", "<small>", "<vertical>"))
_QUOTES_AND_DASHES = {
    **dict.fromkeys("‘’‚‛ʼ", "'"),
    **dict.fromkeys("“”„‟«»", '"'),
    **dict.fromkeys("‐‑−", "-"),
    "‒": "–",
    "―": "—",
}
_WITHOUT_MEANING = frozenset(("Cc", "Cf", "Cs"))
# The zero-width (non-)joiner is part of the spelling in Arabic and Indic scripts, and dirt in all others.
_STRAY_JOINER = re.compile("(?<![\u0600-\u08ff\u0900-\u0dff])[\u200c\u200d]+")


class _Characters(dict[int, str]):
    """A translation table that is filled on demand."""

    def __init__(self, become: Callable[[str], str]) -> None:
        super().__init__()
        self._become = become

    def __missing__(self, codepoint: int) -> str:
        self[codepoint] = self._become(chr(codepoint))
        return self[codepoint]


def _readable(character: str) -> str:
    if character.isspace():
        return " "
    if character in "\u200c\u200d":
        return character
    return "" if unicodedata.category(character) in _WITHOUT_MEANING else character


def _simplest(character: str) -> str:
    tag = unicodedata.decomposition(character).partition(" ")[0]
    plain = unicodedata.normalize("NFKC", character)
    if tag in _SHAPES or (
        character != "№" and tag in _SHAPES_OF_ASCII and plain.isascii() and not plain.startswith(" ")
    ):
        character = plain
    return "".join(_QUOTES_AND_DASHES.get(part, part) for part in character)


_READABLE = _Characters(_readable)
_PLAIN = _Characters(_simplest)


def clean(text: str) -> str:
    """Normalise the characters of a text; idempotent.

    Control and formatting characters and lone surrogates are removed, full-width and stylistic letters and digits
    become plain, curly quotes straight, runs of white space one space. The result is in NFC. From `[[phonemes]]` only
    control characters are removed.
    """
    text = _STRAY_JOINER.sub("", text.translate(_READABLE))
    parts = [part if index % 2 else _plain(part) for index, part in enumerate(split_blocks(text))]
    return " ".join("".join(parts).split())


def split_blocks(text: str) -> list[str]:
    """Alternating text and `[[blocks]]`, beginning and ending with text, which may be empty.

    A block ends at the first `]]`; an unclosed block is text. (A regular expression would take quadratic time on many
    unclosed blocks.)
    """
    parts: list[str] = []
    end = 0
    while (start := text.find("[[", end)) >= 0 and (close := text.find("]]", start + 2)) >= 0:
        parts += (text[end:start], text[start : close + 2])
        end = close + 2
    return [*parts, text[end:]]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(_PLAIN))
