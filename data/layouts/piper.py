"""Piper's CSV: `FILE|TEXT` or `FILE|SPEAKER|TEXT` a line; the files lie in the folder, in `wavs/` or in `wav/`."""

from collections.abc import Iterator

from data.layouts import pipes
from data.layouts.folder import Folder
from data.layouts.rows import Row

SIGNS = "metadata.csv with FILE|SPEAKER|TEXT or FILE|TEXT"


def fits(folder: Folder) -> bool:
    """Whether the metadata file has rows of a file, perhaps a speaker, and a text."""
    return "piper" in pipes.candidates(folder)


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read the metadata file; the text is its last column."""
    return pipes.read_rows(folder, with_speakers=True)
