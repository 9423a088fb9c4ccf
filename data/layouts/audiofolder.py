"""Hugging Face's audiofolder: a CSV with a header, or JSON lines, that names files below it and what is said in them.

huggingface.co/docs/datasets/audio_dataset
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from data.findings import Fault
from data.layouts.folder import Flaw, Folder, id_of, is_file
from data.layouts.lines import Line, read_lines
from data.layouts.rows import Row

SIGNS = "metadata.csv or metadata.jsonl with file_name and text"

_TEXT = ("normalized_text", "text", "transcription", "sentence")  # the first of these that there is
_SPEAKER = ("speaker", "speaker_id")


@dataclass(frozen=True)
class _Record:
    cells: Mapping[str, str]  # by the name of their column
    line: int  # the first, counted from 1
    repair: str
    flaw: Flaw | None = None


def fits(folder: Folder) -> bool:
    """Whether the header, or the first object, names a file and a text."""
    path = _metadata(folder)
    lines = [line for line in read_lines(path, crlf_allowed=True) if not line.is_blank] if is_file(path) else []
    if not lines:
        return False
    columns = _object(lines[0].text) or {} if path.suffix == ".jsonl" else _header(next(_csv_rows(lines))[1])
    return "file_name" in columns and any(name in columns for name in _TEXT)


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read every row; a CSV is quoted as Python's csv has it, and CRLF is as good a line end as any.

    Raises:
        InputError: there is no metadata file, it cannot be read, or its header names no file or no text.
    """
    path = _metadata(folder)
    if not is_file(path):
        raise InputError(
            f"{path}: there is no such file: the layout audiofolder has {SIGNS}; data.metadata names another file"
        )
    lines = read_lines(path, crlf_allowed=True)
    records = list(_json_records(lines) if path.suffix == ".jsonl" else _csv_records(path, lines))
    has_speakers = any(_first(_SPEAKER, record.cells) for record in records)
    place = folder.relative(path.parent)
    for record in records:
        name = record.cells.get("file_name", "")
        yield Row(
            id=id_of(name),
            name=name,
            text=_first(_TEXT, record.cells),
            speaker=_first(_SPEAKER, record.cells) if has_speakers else None,
            audio=record.flaw or folder.find(name, (place,)),
            file=path,
            line=record.line,
            repair=record.repair,
        )


def _metadata(folder: Folder) -> Path:
    objects = folder.root / "metadata.jsonl"
    use_objects = folder.metadata is None and not is_file(folder.metadata_path) and is_file(objects)
    return objects if use_objects else folder.metadata_path


def _first(names: Sequence[str], cells: Mapping[str, str]) -> str:
    return next((cells[name] for name in names if name in cells), "")


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _csv_records(path: Path, lines: Sequence[Line]) -> Iterator[_Record]:
    columns: list[str] | None = None
    above = ""  # what was repaired in the header, which is no row
    for span, cells, flaw in _csv_rows(lines):
        repair = "; ".join(filter(None, (above, *(line.repair for line in span))))
        if columns is None:
            columns, above = _header(cells), repair
            if "file_name" not in columns or not any(name in columns for name in _TEXT):
                header = span[0].text[:80]
                raise InputError(
                    f"{path} line {span[0].number}: the header is {header!r}: name its columns file_name and text, or "
                    "set data.format to another layout"
                )
            continue
        above = ""
        if flaw is None and len(cells) != len(columns):
            flaw = Flaw(Fault.COLUMNS, f"the row has {len(cells)} columns where {len(columns)} are expected")
        named = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        yield _Record(named, span[0].number, repair, flaw)
    if columns is None:
        raise InputError(f"{path}: is empty: it should begin with a header, such as file_name,text")


def _csv_rows(lines: Sequence[Line]) -> Iterator[tuple[Sequence[Line], list[str], Flaw | None]]:
    """The lines of each row, its cells, and what is wrong with them.

    A quote that is never closed would take all rows below it into its own: such a row ends where its line does.
    """
    start = 0
    while start < len(lines):
        if lines[start].is_blank:
            start += 1
            continue
        reader = csv.reader((lines[index].text + "\n" for index in range(start, len(lines))), strict=True)
        flaw = None
        try:
            cells = next(reader)
            span = lines[start : start + reader.line_num]
        except csv.Error:
            span = lines[start : start + 1]
            cells, flaw = _loosely(lines[start].text)
        yield span, cells, next((line.flaw for line in span if line.flaw), flaw)
        start += len(span)


def _loosely(line: str) -> tuple[list[str], Flaw | None]:
    """Read a line whose quotes are not where they should be."""
    flaw = Flaw(Fault.COLUMNS, "a quote is opened and not closed") if line.count('"') % 2 else None
    try:
        return next(csv.reader([line])), flaw
    except csv.Error as error:
        return line.split(",")[:1], Flaw(Fault.COLUMNS, f"the row cannot be read: {error}")


def _json_records(lines: Sequence[Line]) -> Iterator[_Record]:
    for line in lines:
        if line.is_blank:
            continue
        found = _object(line.text)
        # JSON can write half a character, one of a surrogate pair; no file and no text has such a thing.
        cells = {key: cell.encode(errors="backslashreplace").decode() for key, cell in (found or {}).items()}
        flaw = line.flaw
        if found is None:
            flaw = flaw or Flaw(Fault.COLUMNS, "the line is not a JSON object")
        elif cells != found:
            flaw = Flaw(Fault.ENCODING, "the row has half a character, one of a surrogate pair")
        yield _Record(cells, line.number, line.repair, flaw)


def _object(line: str) -> dict[str, str] | None:
    """The values of a JSON object that are text or numbers, as text; None where the line is no object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {key.lower(): str(value).strip() for key, value in found.items() if isinstance(value, str | int | float)}
