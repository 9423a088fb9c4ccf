"""The metadata file of a corpus: which file it is, how its table is read, and its rows."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from configs import ColumnSettings, InputError
from configs.wording import shortened
from data.faults import Fault, FaultKind
from data.layouts.columns import (
    SPEAKER_NAMES,
    TEXT_NAMES,
    Columns,
    Roles,
    is_known_header,
    may_be_header,
    named_columns,
    plain_name,
    roles_of,
    settle_columns,
)
from data.layouts.contents import Column
from data.layouts.entries import AUDIO_FOLDERS, id_of, without_extension
from data.layouts.folder import Deviation, Folder
from data.layouts.rows import Row
from data.layouts.table import Record, Table, open_table

# In order of preference.
_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.tsv", "metadata.txt", "validated.tsv")
_ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".psv", ".list")
_SAMPLE = 20_000  # rows from which the columns are detected
_PLACES = (*AUDIO_FOLDERS, "")
_RARE = 10  # the columns of a table are a number of cells that at least one row in this many has
_SEARCHED = 200  # of these rows, whose recordings are looked up
_SHOWN_CHARACTERS = 40  # of a cell in a message
_FEWEST_FOUND = 2  # recordings that a file with commas must name to be taken as metadata


@dataclass(frozen=True)
class TableReading:
    """One interpretation of a metadata file."""

    table: Table
    header: tuple[str, ...]  # empty if there is none
    columns: int  # expected number of cells
    roles: Roles
    example: Record  # the first row
    named: str = ""  # the layout, if the user named it

    @property
    def layout(self) -> str:
        """The name of the layout: ljspeech, piper or audiofolder if it is exactly one of these, else table."""
        if self.named:
            return self.named
        roles, names = self.roles, [plain_name(cell) for cell in self.header]
        if self.header and self.table.delimiter in ",{" and "file_name" in names and is_known_header(names):
            return "audiofolder"
        width = max(roles.file, roles.text, roles.speaker or 0, *roles.ignored) + 1
        plain = self.table.delimiter == "|" and not (self.table.quoted or self.header)
        if not plain or roles.file or roles.text != width - 1 or width > 3:
            return "table"
        if width == 3 and roles.speaker is None:
            return "ljspeech"
        name = self.example.cells[0]
        is_path = "/" in name or without_extension(name) != name
        return "piper" if roles.speaker is not None or is_path else "ljspeech"

    @property
    def read_as(self) -> Columns:
        """How another file of the same corpus is read."""
        return Columns(self.header, self.columns, self.roles)

    def rows(self, folder: Folder) -> Iterator[Row]:
        """Read every row."""
        place = folder.relative(self.table.path.parent)
        wanted = (place, *AUDIO_FOLDERS, "") if self.layout == "audiofolder" else (*AUDIO_FOLDERS, place, "")
        places = tuple(dict.fromkeys("" if place == "." else place for place in wanted))
        records = self.table.records()
        above = ""  # repairs of the header, reported with the first row
        if self.header and self.table.delimiter != "{":
            above = next(records).repair
        roles, raw_text = self.roles, 1 if self.layout == "ljspeech" and self.roles.text == 2 else None
        needed = max(roles.file, roles.text, roles.speaker or 0)
        for record in records:
            cells, fault = self._fitted(record, needed)
            name = cells[roles.file]
            audio = fault or folder.find(name, places)
            text = cells[roles.text] if len(cells) > roles.text else ""
            if raw_text and not text and len(cells) > raw_text and cells[raw_text]:
                text = cells[raw_text]
                folder.deviations.add(Deviation.RAW_TEXT, name, f"line {record.line}")
            yield Row(
                id=_id(name, audio, folder),
                name=name,
                text=text,
                speaker=None if roles.speaker is None else cells[roles.speaker] if len(cells) > needed else "",
                audio=audio,
                file=self.table.path,
                line=record.line,
                repair=f"{above}; {record.repair}".strip("; ") if above else record.repair,
            )
            above = ""

    def _fitted(self, record: Record, needed: int) -> tuple[list[str], Fault | None]:
        """The cells of a row, and a fault if their number is wrong."""
        cells, expected = record.cells, self.columns
        if len(cells) == expected or record.fault:
            return cells + [""] * (self.roles.file + 1 - len(cells)), record.fault
        if len(cells) > expected and self.joins_text:
            # Unquoted commas belong to the text.
            first, end = self.roles.text, self.roles.text + len(cells) - expected + 1
            return [*cells[:first], _joined(cells[first:end], self.table.delimiter), *cells[end:]], None
        if len(cells) < expected:
            if len(cells) > needed:
                return cells, None
        elif not any(cells[expected:]):
            return cells[:expected], None
        fault = Fault(FaultKind.COLUMNS, f"the row has {len(cells)} columns where {expected} are expected")
        return cells + [""] * (self.roles.file + 1 - len(cells)), fault

    @property
    def joins_text(self) -> bool:
        """Whether surplus cells belong to the text."""
        return self.table.delimiter in ",;" and not self.table.has_quotes

    def described(self) -> str:
        """The first row in this reading, for the user to choose by."""
        roles, cells = self.roles, self.example.cells
        parts = [("file", roles.file), ("speaker", roles.speaker), ("text", roles.text)]
        shown = [
            f"{role} {shortened(cells[index], _SHOWN_CHARACTERS)!r}"
            for role, index in parts
            if index is not None and index < len(cells)
        ]
        return ", ".join(shown)

    def setting(self) -> str:
        """The setting that chooses this reading."""
        if self.layout in ("ljspeech", "piper"):
            return f"data.format={self.layout}"
        speaker = "none" if self.roles.speaker is None else _label(self.header, self.roles.speaker)
        text = _label(self.header, self.roles.text)
        return f"data.columns.text={text} data.columns.speaker={speaker}"

    def notice(self) -> str:
        """How the columns are read; empty for a standard layout."""
        if self.layout != "table" and not self.roles.ignored:
            return ""
        mark = {"\t": "tabs", "{": "JSON objects", "|": "|", ",": "commas", ";": "semicolons"}[self.table.delimiter]
        parts = [("file", self.roles.file), ("text", self.roles.text), ("speaker", self.roles.speaker)]
        read = ", ".join(f"{role} = {self._name(index)}" for role, index in parts if index is not None)
        ignored = ", ".join(self._name(index) for index in self.roles.ignored)
        header = "" if self.table.delimiter == "{" else ", with a header" if self.header else ", without a header"
        rest = f"; not read: {ignored}" if ignored else ""
        return f"{self.table.path.name} is read as a table of {mark}{header}: {read}{rest}"

    def _name(self, index: int) -> str:
        named = index < len(self.header) and self.header[index]
        return self.header[index] if named else f"column {index + 1}"


def metadata_path(folder: Folder) -> Path:
    """The metadata file, which may not exist: the one that the user names, or the first of the usual names."""
    if folder.metadata is not None:
        return folder.root / folder.metadata
    files = folder.entries("").files
    return folder.root / next((files[name] for name in _NAMES if name in files), _NAMES[0])


def other_tables(folder: Folder) -> list[str]:
    """The files of the folder that could be metadata, by their suffix."""
    return sorted(name for name in folder.entries("").files.values() if name.lower().endswith(_ENDINGS))


def readings(
    folder: Folder, path: Path, asked: ColumnSettings | None = None, like: Columns | None = None
) -> tuple[TableReading, ...]:
    """The readings of a file: one, several that the user must choose from, or none if it is not metadata.

    Args:
        folder: the corpus.
        path: the file.
        asked: the columns named in the settings.
        like: how another file of the same corpus is read, as a few rows are not enough to detect columns.

    Raises:
        InputError: the file cannot be read, lacks a column named in the settings, or has no text.
    """
    table = open_table(path)
    if table is None:
        return ()
    records = sampled(table)
    header = _header(table, records, folder, asked)
    if like is not None and records and not header and _same_names(records[0].cells, like.header):
        header = tuple(records[0].cells)
    body = records[1:] if header and table.delimiter != "{" else records
    columns = usual_columns(table, header, body)
    if not body or columns < 2:
        return ()
    sample = columns_of(header, columns, body)
    given = _given(header, sample)
    if like is not None:
        given |= like.given(header, columns)
    if asked is not None:
        given |= settle_columns(asked, table, header, columns)
    _learn(folder, sample)
    found = roles_of(sample, lambda columns: _held(folder, columns), given)
    if not found:
        raise InputError(
            f"{path}: no column holds a text ({_shown(body[0].cells)}); phonemes alone are not read: name the column "
            "of the text with data.columns.text"
        )
    example = next((record for record in body if len(record.cells) == columns), body[0])
    return tuple(TableReading(table, header, columns, roles, example) for roles in found)


def is_trusted(reading: TableReading, folder: Folder, *, by_name: bool = True) -> bool:
    """Whether a file that the user did not name is metadata: by its layout, its header or its recordings.

    Args:
        reading: of the file.
        folder: of the corpus.
        by_name: whether it has a usual name; if not, only its recordings count.
    """
    if by_name and (reading.layout != "table" or is_known_header(reading.header)):
        return True
    records = [record.cells for record in islice(reading.table.records(), _SEARCHED)]
    names = [cells[reading.roles.file] for cells in records if len(cells) > reading.roles.file]
    found = sum(isinstance(folder.find(name, _PLACES, quietly=True), Path) for name in names)
    return (by_name and reading.table.delimiter == "|") or found >= _FEWEST_FOUND


def sampled(table: Table) -> list[Record]:
    """The first row and a sample of the others, without unreadable ones."""
    records: list[Record] = []
    step = 1
    for index, record in enumerate(table.records()):
        # Pseudorandom, because rows may have a pattern, such as a speaker for every fifth one.
        if record.fault is None and (index == 0 or (index * 2654435761) % 2**32 < 2**32 // step):
            records.append(record)
            if len(records) > 2 * _SAMPLE:
                step *= 2
                records = [records[0], *records[1::2]]
    return records


def _header(table: Table, records: Sequence[Record], folder: Folder, asked: ColumnSettings | None) -> tuple[str, ...]:
    """The cells of the header; empty if the first row is a recording."""
    if table.delimiter == "{":
        return table.keys
    if not records:
        return ()
    first = records[0].cells
    wanted = [plain_name(name) for name in (asked.file, asked.text, asked.speaker) if name] if asked else []
    if is_known_header(first) or any(plain_name(cell) in wanted and not cell.isdecimal() for cell in first if cell):
        return tuple(first)
    below = [record.cells for record in records[1 : 1 + _SEARCHED] if len(record.cells) == len(first)]
    if len(below) < 3 or any(folder.has(cell, _PLACES) for cell in first):
        return ()
    sample = columns_of((), len(first), [Record(0, cells) for cells in below])
    _learn(folder, sample)
    shares = _held(folder, sample)
    file = max(range(len(shares)), key=lambda index: (shares[index], -index))
    is_held = shares[file] >= 0.8 and not isinstance(folder.find(first[file], _PLACES, quietly=True), Path)
    return tuple(first) if is_held and may_be_header(first, below, file=file, usual=table.delimiter != "|") else ()


def _same_names(cells: Sequence[str], header: Sequence[str]) -> bool:
    return [plain_name(cell) for cell in cells] == [plain_name(cell) for cell in header]


def usual_columns(table: Table, header: Sequence[str], body: Sequence[Record]) -> int:
    """The expected number of cells: that of the header, or of most rows."""
    if header:
        return len(header)
    counts = Counter(len(record.cells) for record in body)
    if not counts:
        return 0
    usual = counts.most_common(1)[0][0]
    if table.delimiter in ",;" and not table.has_quotes:
        # Commas in the text make a row longer; the few shorter rows have lost a cell.
        rarest = counts.total() / _RARE
        return min((count for count, rows in counts.items() if count > 1 and rows >= rarest), default=usual)
    return usual


def columns_of(header: Sequence[str], columns: int, body: Sequence[Record]) -> list[Column]:
    """The columns of the rows that have as many cells, or of all rows if none has."""
    rows = [record.cells for record in body if len(record.cells) == columns] or [
        (record.cells + [""] * columns)[:columns] for record in body
    ]
    names = [*header, *[""] * columns]
    return [Column(index, names[index], tuple(row[index] for row in rows)) for index in range(columns)]


def _given(header: Sequence[str], sample: Sequence[Column]) -> dict[str, int | None]:
    """The columns by a known header; one that names file and text names the speakers, too, or there are none."""
    if not is_known_header(header):
        return {}
    filled = {column.index for column in sample if column.is_filled}
    given: dict[str, int | None] = {}
    if texts := [index for index in named_columns(header, TEXT_NAMES) if index in filled]:
        given["text"] = texts[0]
    speakers = [index for index in named_columns(header, SPEAKER_NAMES) if sample[index].filled]
    given["speaker"] = next((index for index in speakers if index != given.get("text")), None)
    return given


def _learn(folder: Folder, sample: Sequence[Column]) -> None:
    for column in sample:
        names = [
            name for name in column.filled[:: max(1, len(column.filled) // _SEARCHED)] if "/" in name or "\\" in name
        ]
        if 2 * len(names) > min(len(column.filled), _SEARCHED):
            folder.learn_prefixes(names)


def _held(folder: Folder, sample: Sequence[Column]) -> list[float]:
    """The share of each column's cells that name a recording: exactly, or leniently if no column does."""

    def share(column: Column, is_there: Callable[[str], bool]) -> float:
        names = column.filled[:: max(1, len(column.filled) // _SEARCHED)]
        return sum(map(is_there, names)) / max(1, len(names))

    shares = [share(column, lambda name: folder.has(name, _PLACES)) for column in sample]
    if max(shares, default=0) >= 0.5:
        return shares
    return [share(column, lambda name: isinstance(folder.find(name, _PLACES, quietly=True), Path)) for column in sample]


def _id(name: str, audio: Path | Fault, folder: Folder) -> str:
    """The id of a row: its name without extension, or the path of its recording if the name was matched leniently."""
    identity = id_of(name)
    if isinstance(audio, Fault) or not ("/" in identity or "\\" in identity):
        return identity
    place = id_of(folder.relative(audio))
    return identity if f"/{place}".casefold().endswith(f"/{identity}".casefold()) else place


def _joined(cells: Sequence[str], delimiter: str) -> str:
    """A text that was split at its own commas; without a blank in 1,000."""
    text = cells[0]
    for cell in cells[1:]:
        blank = "" if text[-1:].isdigit() and cell[:1].isdigit() else " "
        text += f"{delimiter}{blank}{cell}"
    return text


def _label(header: Sequence[str], index: int) -> str:
    name = header[index] if index < len(header) else ""
    return name if name and " " not in name else str(index + 1)


def _shown(cells: Sequence[str]) -> str:
    return " | ".join(shortened(cell, _SHOWN_CHARACTERS) for cell in cells)
