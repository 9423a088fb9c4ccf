"""Metadata as LJSpeech and Piper have it: a recording a line, cells between `|`, nothing quoted, no header."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from configs import InputError
from data.findings import Fault
from data.layouts.folder import AUDIO_FOLDERS, Flaw, Folder, id_of, is_file, without_extension
from data.layouts.lines import Line, read_lines
from data.layouts.rows import Row

_SAMPLE = 200  # rows that are looked at to tell what a column holds
_LONGEST_SPEAKER = 40  # characters; a speaker has a name, not a sentence


def read_rows(folder: Folder, *, with_speakers: bool) -> Iterator[Row]:
    """Read every line that is not blank.

    Args:
        folder: what to read.
        with_speakers: whether the second of three columns is the speaker, as Piper has it.

    Raises:
        InputError: there is no metadata file, it cannot be read, it has no rows, or most have not 2 or 3 columns.
    """
    path = folder.metadata_path
    table = _table(path)
    columns = _columns(cells for _, cells in table)
    if columns not in (2, 3):
        raise InputError(
            f"{path}: most rows have {columns} column{'s' if columns > 1 else ''} between | where 2 or 3 are expected: "
            "correct the file, or set data.format to its layout"
        )
    has_speakers = with_speakers and columns == 3 and any(cells[1] for _, cells in table if len(cells) == 3)
    for line, cells in table:
        audio = line.flaw
        if audio is None and len(cells) != columns:
            audio = Flaw(Fault.COLUMNS, f"the row has {len(cells)} columns where {columns} are expected")
        yield Row(
            id=id_of(cells[0]),
            name=cells[0],
            text=cells[-1],
            speaker=cells[1] if has_speakers and len(cells) == columns else None,
            audio=audio or folder.find(cells[0], (*AUDIO_FOLDERS, "")),
            file=path,
            line=line.number,
            repair=line.repair,
        )


def candidates(folder: Folder) -> tuple[str, ...]:
    """Which of the layouts ljspeech and piper the metadata file may have, both where its rows do not tell."""
    if not is_file(folder.metadata_path):
        return ()
    rows = [cells for _, cells in _table(folder.metadata_path, may_be_empty=True)]
    columns = _columns(rows)
    rows = [cells for cells in rows if len(cells) == columns]
    if columns == 2:
        names = [cells[0] for cells in rows]
        files = sum("/" in name or without_extension(name) != name for name in names)
        return ("piper",) if 2 * files > len(names) else ("ljspeech",)
    return _told_by_the_middle([(middle, text) for _, middle, text in rows if middle]) if columns == 3 else ()


def _told_by_the_middle(rows: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Whether the middle column is a text, much like the last one, or a speaker: short, repeated, and unlike it."""
    if not rows:
        return ("ljspeech",)
    sample = rows[:: -(-len(rows) // _SAMPLE)]
    alike = sum(_alike(middle, text) for middle, text in sample) / len(sample)
    speakers = {middle for middle, _ in rows}
    few = 2 * len(speakers) <= len(rows) or len(rows) < 10
    names = few and all(len(speaker) <= _LONGEST_SPEAKER for speaker in speakers)
    if alike >= 0.5 or (alike >= 0.1 and not names):
        return ("ljspeech",)
    return ("piper",) if names else ("ljspeech", "piper")


def _alike(one: str, other: str) -> bool:
    """Whether two texts share at least half of their pairs of neighbouring characters (Dice's coefficient)."""
    first, second = ({*zip(f" {text}", f"{text} ", strict=True)} for text in (one.casefold(), other.casefold()))
    return 4 * len(first & second) >= len(first) + len(second)


def _columns(rows: Iterable[list[str]]) -> int:
    """How many cells most rows have."""
    return max(Counter(map(len, rows)).items(), key=lambda item: item[1], default=(0, 0))[0]


def _table(path: Path, *, may_be_empty: bool = False) -> list[tuple[Line, list[str]]]:
    if not is_file(path):
        raise InputError(
            f"{path}: there is no such file: it should hold one recording a line, as ID|TEXT, ID|RAW|NORMALISED or "
            "FILE|SPEAKER|TEXT; data.metadata names another file"
        )
    lines = [line for line in read_lines(path) if not line.is_blank]
    if not lines and not may_be_empty:
        raise InputError(f"{path}: has no rows: it should hold one recording a line, such as ID|TEXT")
    return [(line, [cell.strip() for cell in line.text.split("|")]) for line in lines]
