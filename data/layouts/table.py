"""Parsing of metadata files: tables separated by |, tabs, semicolons or commas, quoted or not, and JSON lines."""

import csv
import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from configs import InputError
from data.faults import Fault, FaultKind
from data.layouts.lines import Line, read_lines

_SAMPLE_LINES = 1000
_LONGEST_QUOTE = 200  # lines; a longer quoted cell is taken as an unclosed quote
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .xls begin
_NO_OBJECT = Fault(FaultKind.COLUMNS, "the line is not a JSON object")


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table."""

    line: int  # the first of its lines, counted from 1
    cells: list[str]  # stripped
    repair: str = ""  # what was wrong with its encoding
    fault: Fault | None = None  # why it cannot be read


@dataclass(frozen=True)
class Table:
    """The format of a file."""

    path: Path
    delimiter: str  # between cells; "{" if each line is a JSON object
    quoted: bool = False  # whether cells may be quoted, as in Python's csv
    has_quotes: bool = False  # whether any are, so that all that need quotes should have them
    keys: tuple[str, ...] = ()  # of the JSON objects, in the order of their cells

    def records(self) -> Iterator[Record]:
        """Read every row, the header included.

        Raises:
            InputError: the file cannot be read.
        """
        lines = read_lines(self.path, crlf_allowed=self.delimiter != "|")
        if self.delimiter == "{":
            return _objects(lines, self.keys)
        return _rows(_without_separator_line(lines), self.delimiter, quoted=self.quoted)


def open_table(path: Path) -> Table | None:
    """Detect the format of a file; None if it is not a table.

    Raises:
        InputError: the file cannot be read, or is a workbook.
    """
    sample = [line for line in islice(read_lines(path), _SAMPLE_LINES) if not line.is_blank]
    refuse_workbook(path)
    if not sample:
        return None
    if path.suffix == ".jsonl" or _object(sample[0].text) is not None:
        keys = dict.fromkeys(key for line in sample for key in _object(line.text) or ())
        return Table(path, "{", keys=tuple(keys)) if keys else None
    if separator := _separator(sample[0].text):
        return _delimited(path, separator, sample[1:])
    scores = {mark: _regularity(mark, sample) for mark in "|\t;,"}
    for marks in ("|\t", ";,"):  # the first two are rare in texts
        best = max(marks, key=lambda mark: scores[mark])
        if scores[best] >= 0.5 or (scores[best] > 0 and scores[best] == max(scores.values())):
            return _delimited(path, best, sample)
    return None


def _delimited(path: Path, delimiter: str, sample: list[Line]) -> Table:
    quoted = delimiter in ";," or _has_quoted_cells(sample, delimiter)
    cell = re.compile(rf'(^|{re.escape(delimiter)})\s*"')
    return Table(path, delimiter, quoted, has_quotes=any(cell.search(line.text) for line in sample))


def refuse_workbook(path: Path) -> None:
    """Raise InputError if the file is an Excel workbook."""
    with path.open("rb") as file:
        if file.read(4) in _WORKBOOKS:
            raise InputError(f"{path}: is an Excel workbook: save it as CSV UTF-8, and name that file in data.metadata")


def _regularity(delimiter: str, sample: list[Line]) -> float:
    """How regular a table the delimiter makes: the share of rows with the most common number of cells."""
    counts = Counter(len(record.cells) for record in _rows(iter(sample), delimiter, quoted=delimiter in ";,"))
    total = counts.total()
    alone = counts.pop(1, 0)
    return (total - alone) * max(counts.values(), default=0) / total**2


def _has_quoted_cells(sample: list[Line], delimiter: str) -> bool:
    """Whether quotes delimit cells rather than belong to the text: at least one has content that needs quotes."""
    proof = False
    for record in _rows(iter(sample), delimiter, quoted=True):
        if record.fault is not None:
            return False
    for line in sample:
        if '"' not in line.text:
            continue
        quoted, plain = next(csv.reader([line.text], delimiter=delimiter)), line.text.split(delimiter)
        if len(quoted) != len(plain) or any('"' in cell for cell in quoted if f'"{_doubled(cell)}"' in plain):
            proof = True
        elif plain[0].startswith('"') and plain[0].endswith('"') and len(plain[0]) > 2:
            proof = True  # a file name needs no quotation marks
    return proof


def _doubled(cell: str) -> str:
    return cell.replace('"', '""')


def _separator(line: str) -> str:
    """The delimiter in the line that Excel writes above the header, such as sep=;."""
    line = line.strip().lower()
    return line[4:] if line.startswith("sep=") and len(line) == 5 else ""


def _without_separator_line(lines: Iterator[Line]) -> Iterator[Line]:
    first = next((line for line in lines if not line.is_blank), None)
    if first is not None and not _separator(first.text):
        yield first
    yield from lines


def _rows(lines: Iterator[Line], delimiter: str, *, quoted: bool) -> Iterator[Record]:
    """Split lines into cells. A row with an unclosed quote ends with its line, so that it does not absorb the next."""
    waiting: deque[Line] = deque()
    while True:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        if line.is_blank:
            continue
        if not quoted or '"' not in line.text:
            yield Record(line.number, [cell.strip() for cell in line.text.split(delimiter)], line.repair, line.fault)
            continue
        span = [line]
        reader = csv.reader(_fed(span, waiting, lines), delimiter=delimiter, strict=True)
        fault = None
        try:
            cells = next(reader)
        except csv.Error:
            waiting.extendleft(reversed(span[1:]))
            span = span[:1]
            cells, fault = _loosely(line.text, delimiter)
        fault = next((one.fault for one in span if one.fault), fault)
        repair = "; ".join(one.repair for one in span if one.repair)
        yield Record(line.number, [cell.strip() for cell in cells], repair, fault)


def _fed(span: list[Line], waiting: deque[Line], lines: Iterator[Line]) -> Iterator[str]:
    """The lines of a row, on demand; they are added to `span`."""
    yield span[0].text + "\n"
    while len(span) < _LONGEST_QUOTE:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        span.append(line)
        yield line.text + "\n"


def _loosely(line: str, delimiter: str) -> tuple[list[str], Fault | None]:
    """Read a line with misplaced quotes."""
    fault = Fault(FaultKind.COLUMNS, "a quote is opened and not closed") if line.count('"') % 2 else None
    try:
        return next(csv.reader([line], delimiter=delimiter)), fault
    except csv.Error as error:
        return line.split(delimiter)[:1], Fault(FaultKind.COLUMNS, f"the row cannot be read: {error}")


def _objects(lines: Iterable[Line], keys: tuple[str, ...]) -> Iterator[Record]:
    for line in lines:
        if line.is_blank:
            continue
        found = _object(line.text)
        # JSON can contain a lone surrogate, which no file name and no text has.
        cells = {key: cell.encode(errors="backslashreplace").decode() for key, cell in (found or {}).items()}
        fault = line.fault
        if found is None:
            fault = fault or _NO_OBJECT
        elif cells != found:
            fault = Fault(FaultKind.ENCODING, "the row has half a character, one of a surrogate pair")
        yield Record(line.number, [cells.get(key, "") for key in keys], line.repair, fault)


def _object(line: str) -> dict[str, str] | None:
    """The text and number values of a JSON object, as text; None if the line is not an object."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {key.lower(): str(value).strip() for key, value in found.items() if isinstance(value, str | int | float)}
