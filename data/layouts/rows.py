"""The rows of a corpus: each becomes a recording, or a fault that says why not."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from data.faults import Action, Fault, FaultKind, RowFault
from data.layouts.columns import Columns
from data.layouts.folder import Folder
from data.layouts.lines import read_lines
from data.recording import Recording

_TIMED = re.compile(r"\s*\d+(\.\d+)?\s+\d+(\.\d+)?\s+\S+\s*$")  # a label of HTS or Audacity: begin, end, phone


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as a layout reads it."""

    id: str
    name: str  # of the recording, as in the row
    text: str
    speaker: str | None  # None if the corpus names none, empty if only this row does not
    audio: Path | Fault  # the recording, or why there is none
    file: Path  # the metadata file or transcript
    line: int  # in it, counted from 1
    repair: str = ""  # what was wrong with its encoding


@dataclass(frozen=True)
class Listing:
    """The recordings of a folder."""

    layout: str
    recordings: tuple[Recording, ...]  # in the order of the corpus, at least one
    faults: tuple[RowFault, ...]  # in the order of the corpus
    rows: int  # dropped ones included
    columns: Columns | None = None  # of the metadata file; None if the layout has none
    notices: tuple[str, ...] = ()  # deviations from the layout that were accepted, a sentence each


def list_rows(layout: str, folder: Folder, rows: Iterable[Row]) -> Listing:
    """Turn rows into recordings and faults; a row with a repaired fault is in both.

    Raises:
        InputError: there are no rows, or none can be used.
    """
    kept: dict[str, Recording] = {}
    faults: list[RowFault] = []
    dropped: list[Row] = []
    count = 0
    for row in rows:
        count += 1
        if row.repair:
            faults.append(_row_fault(row, folder, Fault(FaultKind.ENCODING, row.repair, Action.REPAIRED)))
        if fault := _fault(row, kept, folder):
            faults.append(_row_fault(row, folder, fault))
            dropped.append(row)
        elif isinstance(row.audio, Path):
            kept[row.id] = Recording(row.id, row.text, row.speaker, row.audio, row.file, row.line)
    if not kept:
        raise InputError(_nothing(layout, folder, dropped, faults))
    return Listing(layout, tuple(kept.values()), tuple(faults), count, notices=folder.deviations.sentences())


def transcribed(
    folder: Folder, identity: str, *, name: str, speaker: str | None, transcript: Path, is_there: bool
) -> Row:
    """The row of a recording whose text is in a file of its own.

    Args:
        folder: the corpus.
        identity: id of the recording.
        name: path of the recording in the folder.
        speaker: None if the corpus names none.
        transcript: the file with the text.
        is_there: whether that file exists.
    """
    read = (
        folder.follow(transcript) or _read(transcript)
        if is_there
        else Fault(FaultKind.EMPTY_TEXT, f"there is no {transcript}")
    )
    if isinstance(read, Fault):
        return Row(identity, name, "", speaker, read, transcript, 1)
    text, repair = read
    return Row(identity, name, text, speaker, folder.find(name), transcript, 1, repair)


def _read(path: Path) -> tuple[str, str] | Fault:
    """The text of a transcript and what was repaired in it, or why there is none."""
    try:
        lines = [line for line in read_lines(path) if not line.is_blank]
    except InputError as error:
        return Fault(FaultKind.EMPTY_TEXT, str(error))
    fault = next((line.fault for line in lines if line.fault), None)
    if lines and all(_TIMED.match(line.text) for line in lines):
        return Fault(FaultKind.EMPTY_TEXT, f"{path} holds the times of sounds and no text")
    repair = "; ".join(line.repair for line in lines if line.repair)
    return fault or (" ".join(line.text.strip() for line in lines), repair)


def _fault(row: Row, kept: dict[str, Recording], folder: Folder) -> Fault | None:
    if isinstance(row.audio, Fault):
        return row.audio
    if first := kept.get(row.id):
        place = "" if first.file == row.file else f"{folder.relative(first.file)} "
        return Fault(FaultKind.DUPLICATE_ID, f"the id {row.id} is already on {place}line {first.line}")
    if not row.text:
        return Fault(FaultKind.EMPTY_TEXT, "the row has no text")
    if row.speaker == "":
        return Fault(FaultKind.COLUMNS, "the row names no speaker, and others do")
    return None


def _row_fault(row: Row, folder: Folder, fault: Fault) -> RowFault:
    file = row.name if isinstance(row.audio, Fault) else folder.relative(row.audio)
    return RowFault.of(fault, id=row.id, file=file, line=row.line)


def _nothing(layout: str, folder: Folder, dropped: list[Row], faults: list[RowFault]) -> str:
    if not dropped:
        return (
            f"{folder.root}: holds no recordings in the layout {layout}: add some, or set data.root to another folder"
        )
    of_dropped = [fault for fault in faults if fault.action is Action.DROPPED]
    counts = ", ".join(f"{kind} {count}" for kind, count in Counter(one.kind for one in of_dropped).most_common())
    return (
        f"{dropped[0].file}: none of {len(dropped)} rows can be used ({counts}; the first, on line "
        f"{of_dropped[0].line}: {of_dropped[0].detail}): correct them, or set data.root to another folder or "
        "data.format to another layout"
    )
