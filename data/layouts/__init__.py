"""Listing the recordings of a corpus, in a detected layout or in the one that is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast, get_args

from configs import ColumnSettings, DataSettings, InputError
from data.layouts import named_tables, pairs
from data.layouts.columns import Columns
from data.layouts.entries import EXTENSIONS, is_file, is_folder
from data.layouts.folder import Folder
from data.layouts.metadata import TableReading, is_trusted, metadata_path, other_tables, readings
from data.layouts.named_tables import ambiguity, reading_as
from data.layouts.rows import Listing, Row, list_rows
from data.layouts.table import refuse_workbook

__all__ = ["EXTENSIONS", "LAYOUTS", "Listing", "read_corpus"]


class _Layout(Protocol):
    """The module of a layout that is not a single table."""

    SIGNS: str  # what it is recognised by, for messages
    fits: Callable[[Folder], bool]
    read_rows: Callable[[Folder], Iterator[Row]]


LAYOUTS: tuple[str, ...] = tuple(
    name for name in get_args(DataSettings.model_fields["format"].annotation) if name != "auto"
)
# Layouts that are not a single table: one module each, by name.
_TREES = {
    name: cast(_Layout, import_module(f"data.layouts.{name}")) for name in LAYOUTS if name not in named_tables.SIGNS
}
_SIGNS = named_tables.SIGNS | {name: module.SIGNS for name, module in _TREES.items()}
_MOST_TABLES = 20  # files that are tried if none has a usual name


def read_corpus(
    root: str | Path,
    *,
    layout: str = "auto",
    metadata: str | None = None,
    columns: ColumnSettings | None = None,
    strict: bool = False,
    like: Listing | None = None,
) -> Listing:
    """List the recordings of a folder; unusable rows become faults.

    Args:
        root: the folder.
        layout: one of LAYOUTS, or "auto" to detect it.
        metadata: path of the metadata file in the folder, for the layouts that have one; None detects it.
        columns: columns of the metadata file; unset ones are detected.
        strict: whether symbolic links out of the folder are refused, rather than followed with a notice.
        like: the listing of another metadata file of the same corpus, which presumably has the same columns.

    Raises:
        InputError: there is no such folder, layout, file or column, none or several layouts fit, or no row can be used.
    """
    root = Path(root)
    if layout != "auto" and layout not in LAYOUTS:
        raise InputError(f"data.format = {layout!r} is no layout: choose auto, {', '.join(LAYOUTS)}")
    if not is_folder(root):
        raise InputError(f"{root}: there is no such folder: set data.root to the folder of the recordings")
    folder = Folder(root, metadata, strict=strict)
    if layout in _TREES:
        if metadata is not None:
            raise InputError(f"data.metadata = {metadata!r}: the layout {layout} has no such file: leave it out")
        if columns is not None:
            raise InputError(f"data.columns: the layout {layout} has no columns: leave data.columns out")
        return _listed(folder, layout)
    read_alike = None if like is None else like.columns
    if layout != "auto":
        return _listed(folder, reading_as(layout, folder, metadata_path(folder), columns, read_alike))
    return _listed(folder, _recognise(folder, columns, read_alike))


def _listed(folder: Folder, found: TableReading | str) -> Listing:
    """Read the rows."""
    if isinstance(found, str):
        listing = list_rows(found, folder, _TREES[found].read_rows(folder))
        notice = pairs.notice(folder) if found == "pairs" else ""
    else:
        if fault := folder.follow(found.table.path):
            raise InputError(f"{found.table.path}: {fault.detail}: put the file itself there")
        listing = replace(list_rows(found.layout, folder, found.rows(folder)), columns=found.read_as)
        notice = found.notice()
    return replace(listing, notices=tuple(filter(None, (notice, *listing.notices))))


def _recognise(folder: Folder, columns: ColumnSettings | None, like: Columns | None) -> TableReading | str:
    """The layout that fits: the name of one that is not a table, or the reading of the metadata file."""
    path = metadata_path(folder)
    found = readings(folder, path, columns, like) if is_file(path) else ()
    alone = folder.metadata is None and columns is None
    if found and alone and not is_trusted(found[0], folder):
        found = ()
    trees = [name for name, tree in _TREES.items() if alone and name != "pairs" and tree.fits(folder)]
    if (found and trees) or len(trees) > 1:
        fitting = [name for name in LAYOUTS if name in {*trees, *(reading.layout for reading in found[:1])}]
        signs = " and ".join(f"{name} ({_SIGNS[name]})" for name in fitting)
        raise InputError(f"{folder.root}: may be {signs}: choose one with data.format, or --format of data.prepare")
    if len(found) > 1:
        raise InputError(ambiguity(path, found))
    if found:
        return found[0]
    if trees:
        return trees[0]
    if not is_file(path) and folder.metadata is None:
        if alone and pairs.fits(folder):
            return "pairs"
        if reading := _other_table(folder, columns):
            return reading
    raise InputError(_unrecognised(folder, path))


def _other_table(folder: Folder, columns: ColumnSettings | None) -> TableReading | None:
    """The reading of the only file that names recordings of the folder, whatever its name."""
    found: dict[str, tuple[TableReading, ...]] = {}
    tables = other_tables(folder)[:_MOST_TABLES]
    for name in tables:
        try:
            ways = readings(folder, folder.root / name, columns)
        except InputError:  # a file of another kind
            if columns is not None and len(tables) == 1:
                raise
            continue
        if ways and is_trusted(ways[0], folder, by_name=False):
            found[name] = ways
    if len(found) > 1:
        names = ", ".join(found)
        raise InputError(f"{folder.root}: {names} each name its recordings: choose one with data.metadata")
    for name, ways in found.items():
        if len(ways) > 1:
            raise InputError(ambiguity(folder.root / name, ways))
        return ways[0]
    return None


def _unrecognised(folder: Folder, path: Path) -> str:
    possible = LAYOUTS if folder.metadata is None else tuple(named_tables.SIGNS)
    if is_file(path):
        if not path.read_bytes().strip():
            return f"{path}: is empty: it should hold one recording a line, such as ID|TEXT"
        return (
            f"{path}: has none of the layouts that are known: {_signs(possible)}; correct the file, or name its "
            "columns with data.columns"
        )
    if folder.metadata is not None:
        return f"{path}: there is no such file: data.metadata and data.validation_metadata name files in {folder.root}"
    tables = other_tables(folder)
    for name in folder.entries("").files.values():
        if name.lower().endswith((".xlsx", ".xls")):
            refuse_workbook(folder.root / name)
    other = f", or set data.metadata where {' or '.join(tables[:5])} is the metadata" if tables else ""
    return f"{folder.root}: has none of {_signs(possible)}: set data.root to a folder of recordings{other}"


def _signs(layouts: tuple[str, ...]) -> str:
    return "; ".join(f"{_SIGNS[name]} ({name})" for name in layouts)
