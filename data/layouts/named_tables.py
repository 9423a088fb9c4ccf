"""Tables whose layout the user names: LJSpeech, Piper, audiofolder, or any other.

LJSpeech (keithito.com/LJ-Speech-Dataset) and Piper are separated by |, without quotes and without header. Hugging
Face's audiofolder (huggingface.co/docs/datasets/audio_dataset) has a header or JSON lines.
"""

from dataclasses import replace
from pathlib import Path

from configs import ColumnSettings, InputError
from data.layouts.columns import Columns, Roles, settle_columns
from data.layouts.entries import is_file
from data.layouts.folder import Folder
from data.layouts.lines import read_lines
from data.layouts.metadata import TableReading, columns_of, readings, sampled, usual_columns
from data.layouts.table import Table, open_table

SIGNS = {
    "ljspeech": "metadata.csv with ID|RAW|NORMALISED or ID|TEXT",
    "piper": "metadata.csv with FILE|SPEAKER|TEXT or FILE|TEXT",
    "audiofolder": "metadata.csv or metadata.jsonl with file_name and text",
    "table": "a table of recordings and texts between |, tabs, semicolons or commas",
}


def reading_as(
    layout: str, folder: Folder, path: Path, asked: ColumnSettings | None, like: Columns | None = None
) -> TableReading:
    """The reading of a metadata file in the layout that the user names.

    Raises:
        InputError: the file does not exist, cannot be read, has no rows, or does not have this layout.
    """
    if not is_file(path):
        raise InputError(
            f"{path}: there is no such file: the layout {layout} has {SIGNS[layout]}; data.metadata names another file"
        )
    if layout in ("ljspeech", "piper"):
        return _between_bars(path, asked, with_speakers=layout == "piper")
    if open_table(path) is None:
        raise InputError(f"{path}: has no rows of several columns: {SIGNS[layout]} is the layout {layout}")
    found = readings(folder, path, asked, like)
    if layout == "audiofolder":
        found = tuple(reading for reading in found if reading.layout == layout)
        if not found:
            line = next(line for line in read_lines(path) if not line.is_blank)
            raise InputError(
                f"{path} line {line.number}: the header is {line.text[:80]!r}: name its columns file_name and text, or "
                "set data.format to another layout"
            )
    if len(found) > 1:
        raise InputError(ambiguity(path, found))
    if not found:
        raise InputError(f"{path}: has no rows: it should hold one recording a line, below a header or without")
    return replace(found[0], named=layout)


def ambiguity(path: Path, found: tuple[TableReading, ...]) -> str:
    """The message for an ambiguous file."""
    known_first = sorted(found, key=lambda reading: list(SIGNS).index(reading.layout))[:4]
    ways = " and ".join(f"{reading.layout} ({reading.described()}: {reading.setting()})" for reading in known_first)
    return (
        f"{path} line {found[0].example.line}: may be {ways}: choose one with data.format, or --format of "
        "data.prepare, or with data.columns"
    )


def _between_bars(path: Path, asked: ColumnSettings | None, *, with_speakers: bool) -> TableReading:
    table = Table(path, "|")
    records = sampled(table)
    if not records:
        raise InputError(f"{path}: has no rows: it should hold one recording a line, such as ID|TEXT")
    count = usual_columns(table, (), records)
    if count not in (2, 3):
        raise InputError(
            f"{path}: most rows have {count} column{'s' if count > 1 else ''} between | where 2 or 3 are expected: "
            "correct the file, or set data.format to its layout"
        )
    columns = columns_of((), count, records)
    last = max((column.index for column in columns if column.filled), default=0)
    speaker = 1 if with_speakers and last == 2 and columns[1].filled else None
    of_phonemes = last == 2 and speaker is None and columns[2].is_surely_phonemes
    given = {} if asked is None else settle_columns(asked, table, (), count)
    file, text = given.get("file"), given.get("text")
    roles = Roles(
        file=0 if file is None else file,
        text=(1 if of_phonemes else last or count - 1) if text is None else text,
        speaker=given.get("speaker", speaker),
    )
    example = next(record for record in records if len(record.cells) == count)
    return TableReading(table, (), count, roles, example, "piper" if with_speakers else "ljspeech")
