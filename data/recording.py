"""One recording of a corpus with its text and speaker, and the order of the speakers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,1000}")  # int() refuses more than some thousand digits


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of a corpus, as a layout lists it; its file exists, but has not been opened."""

    id: str  # unique in the corpus
    text: str
    speaker: str | None  # None if the corpus names none
    audio_path: Path
    file: Path  # the metadata file or transcript that names it
    line: int  # in that file, counted from 1

    @property
    def where(self) -> str:
        """File and line, for error messages."""
        return f"{self.file} line {self.line}"


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The speakers of a new voice by speaker id: sorted as numbers if all are whole numbers, else as text.

    So speakers named 0 to 11 have their names as ids.
    """
    different = set(names)
    if all(map(_WHOLE_NUMBER.fullmatch, different)):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))
