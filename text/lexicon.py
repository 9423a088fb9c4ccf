"""The user's lexicon: a respelling or phonemes for single words.

One entry per line: `word<TAB>respelling` or `word<TAB>[[phonemes]]`; `=` or two spaces may replace the tab, `#` begins
a comment. A lower-case entry matches any capitalisation; an entry with a capital matches only itself, and first. A word
may have several parts: New Orleans, O'Brien, C++.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from configs import InputError
from text.characters import clean, split_blocks

_TOKEN = re.compile(r"[^\W_]+")
_SEPARATOR = re.compile(r"\s*(?:\t|=|\s\s)\s*")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_PHONEMES = re.compile(r"\[\[(.+)\]\]")
_POSSESSIVE = re.compile(r"'s(?!\w)")
_HISSING, _VOICELESS = "szʃʒ", "ptkfθ"


@dataclass(frozen=True)
class Lexicon:
    """Respellings or phonemes of words.

    Raises:
        InputError: a word does not begin with a letter or digit, or its entry is empty.
    """

    entries: Mapping[str, str]  # word: respelling, or [[phonemes]]
    _by_token: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_token: dict[str, list[str]] = {}
        for word in sorted(self.entries, key=lambda word: (-len(word), word == word.lower())):
            token = _TOKEN.match(word)
            reading = self.entries[word]
            if not (token and isinstance(reading, str) and reading.strip()):
                raise InputError(
                    f"the lexicon has {word!r}, read as {reading!r}: a word begins with a letter or digit, and its"
                    " reading is a spelling or [[phonemes]]"
                )
            by_token.setdefault(token[0].lower(), []).append(word)
        object.__setattr__(self, "_by_token", {token: tuple(words) for token, words in by_token.items()})

    @classmethod
    def from_file(cls, path: Path) -> "Lexicon":
        """Load a lexicon file.

        Raises:
            InputError: it is not UTF-8, or a line is not an entry or is given twice.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError as error:
            raise InputError(f"{path}: there is no such lexicon: give the name of a text file") from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as a UTF-8 lexicon: {error}") from error
        entries: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            entry = _COMMENT.sub("", line).strip()
            if not entry:
                continue
            word, *rest = _SEPARATOR.split(entry, maxsplit=1)
            word, reading = clean(word), clean(rest[0]) if rest else ""
            if not (_TOKEN.match(word) and reading):
                raise InputError(
                    f"{path}, line {number}: {line.strip()!r} is no entry: write a word, a tab, and how to read it,"
                    " as another spelling or as [[phonemes]]"
                )
            if word in entries:
                raise InputError(f"{path}, line {number}: {word!r} has been given before: keep one of the two")
            entries[word] = reading
        return cls(entries)

    @classmethod
    def from_json(cls, text: str) -> "Lexicon":
        """What `to_json` wrote.

        Raises:
            InputError: it is not a lexicon.
        """
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the lexicon is not JSON: {error}") from error
        if not isinstance(entries, dict):
            raise InputError("the lexicon is not a JSON object of words and how they are read")
        return cls(entries)

    def to_json(self) -> str:
        """One JSON object, word to reading."""
        return json.dumps(dict(self.entries), ensure_ascii=False)

    def divided(self, goes_first: Callable[[str], bool]) -> tuple["Lexicon", "Lexicon"]:
        """The entries for whose word `goes_first` is true, and the others."""
        first = {word for word in self.entries if goes_first(word)}
        return (
            Lexicon({word: self.entries[word] for word in self.entries if word in first}),
            Lexicon({word: self.entries[word] for word in self.entries if word not in first}),
        )

    def apply(self, text: str) -> str:
        """Replace every word that has an entry; `[[phonemes]]` stay."""
        if not self.entries:
            return text
        parts = split_blocks(text)
        parts[::2] = [self._replace(part) for part in parts[::2]]
        return "".join(parts)

    def _replace(self, text: str) -> str:
        pieces: list[str] = []
        end = 0
        for token in _TOKEN.finditer(text):
            start = token.start()
            if start < end or _is_inside_word(text, start):
                continue
            stop = next(
                (start + len(w) for w in self._by_token.get(token[0].lower(), ()) if _stands_at(w, text, start)), 0
            )
            if not stop:
                continue
            written = text[start:stop]
            reading = self.entries.get(written) or self.entries[written.lower()]
            if (phonemes := _PHONEMES.fullmatch(reading)) and _POSSESSIVE.match(text, stop):
                reading = f"[[{phonemes[1]}{_possessive(phonemes[1])}]]"
                stop += 2
            pieces += (text[end:start], reading)
            end = stop
        return "".join(pieces) + text[end:]


def _is_inside_word(text: str, start: int) -> bool:
    return start > 1 and text[start - 1] == "'" and text[start - 2].isalnum()


def _stands_at(word: str, text: str, start: int) -> bool:
    """Whether the whole word, and not part of a longer one, is there."""
    stop = start + len(word)
    written = text[start:stop]
    if written != word and written.lower() != word:
        return False
    if text[stop : stop + 1] == "'" and text[stop + 1 : stop + 2].isalnum():
        return _POSSESSIVE.match(text, stop) is not None
    return not (text[stop : stop + 1].isalnum() and word[-1].isalnum())


def _possessive(phonemes: str) -> str:
    """Phonemes of the possessive 's after these phonemes, as in the English plural."""
    last = phonemes.rstrip("ˈˌː ")[-1:]
    return "ᵻz" if last in _HISSING and last else "s" if last in _VOICELESS and last else "z"
