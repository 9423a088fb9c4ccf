"""Rows become recordings, or findings that say why they cannot."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from data.findings import Action, Fault, Finding
from data.layouts.columns import Columns
from data.layouts.entries import Flaw
from data.layouts.folder import Folder
from data.recording import Recording


@dataclass(frozen=True, slots=True)
class Row:
    """What a layout reads of one recording."""

    id: str
    name: str  # of the recording, as the row has it
    text: str
    speaker: str | None  # None where the corpus names none, empty where only this row does not
    audio: Path | Flaw  # the recording, or why there is none
    file: Path  # the metadata file or transcript
    line: int  # in it, counted from 1
    repair: str = ""  # what was wrong with its encoding


@dataclass(frozen=True)
class Listing:
    """What a folder holds."""

    layout: str
    recordings: tuple[Recording, ...]  # in the order of the corpus, at least one
    findings: tuple[Finding, ...]  # in the order of the corpus
    rows: int  # that were looked at, those that were dropped among them
    columns: Columns | None = None  # of the metadata file; None where the layout has none
    notices: tuple[str, ...] = ()  # how the corpus departs from the usual and was read all the same, a sentence each


def list_rows(layout: str, folder: Folder, rows: Iterable[Row]) -> Listing:
    """Sort the rows into recordings and findings; a row whose fault is repaired is in both.

    Raises:
        InputError: there are no rows, or none can be used.
    """
    kept: dict[str, Recording] = {}
    findings: list[Finding] = []
    dropped: list[Row] = []
    count = 0
    for row in rows:
        count += 1
        flaw = _flaw(row, kept, folder)
        if row.repair:
            findings.append(_finding(row, folder, Flaw(Fault.ENCODING, row.repair), Action.REPAIRED))
        if flaw:
            findings.append(_finding(row, folder, flaw, Action.DROPPED))
            dropped.append(row)
        elif isinstance(row.audio, Path):
            kept[row.id] = Recording(row.id, row.text, row.speaker, row.audio, row.file, row.line)
    if not kept:
        raise InputError(_nothing(layout, folder, dropped, findings))
    return Listing(layout, tuple(kept.values()), tuple(findings), count, notices=folder.liberties.sentences())


def _flaw(row: Row, kept: dict[str, Recording], folder: Folder) -> Flaw | None:
    if isinstance(row.audio, Flaw):
        return row.audio
    if first := kept.get(row.id):
        place = "" if first.file == row.file else f"{folder.relative(first.file)} "
        return Flaw(Fault.DUPLICATE_ID, f"the id {row.id} is already on {place}line {first.line}")
    if not row.text:
        return Flaw(Fault.EMPTY_TEXT, "the row has no text")
    if row.speaker == "":
        return Flaw(Fault.COLUMNS, "the row names no speaker, and others do")
    return None


def _finding(row: Row, folder: Folder, flaw: Flaw, action: Action) -> Finding:
    file = row.name if isinstance(row.audio, Flaw) else folder.relative(row.audio)
    return Finding(row.id, file, row.line, flaw.fault, flaw.detail, action)


def _nothing(layout: str, folder: Folder, dropped: list[Row], findings: list[Finding]) -> str:
    if not dropped:
        return (
            f"{folder.root}: holds no recordings in the layout {layout}: add some, or set data.root to another folder"
        )
    flaws = [finding for finding in findings if finding.action is Action.DROPPED]
    faults = ", ".join(f"{fault} {count}" for fault, count in Counter(flaw.fault for flaw in flaws).most_common())
    return (
        f"{dropped[0].file}: none of {len(dropped)} rows can be used ({faults}; the first, on line {flaws[0].line}: "
        f"{flaws[0].detail}): correct them, or set data.root to another folder or data.format to another layout"
    )
