"""LJSpeech (keithito.com/LJ-Speech-Dataset): `ID|RAW|NORMALISED` or `ID|TEXT` a line, and `wavs/ID.wav`."""

from collections.abc import Iterator

from data.layouts import pipes
from data.layouts.folder import Folder
from data.layouts.rows import Row

SIGNS = "metadata.csv with ID|RAW|NORMALISED or ID|TEXT"


def fits(folder: Folder) -> bool:
    """Whether the metadata file has rows that end in two texts much alike, or an id and a text."""
    return "ljspeech" in pipes.candidates(folder)


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read the metadata file; the text is its last column."""
    return pipes.read_rows(folder, with_speakers=False)
