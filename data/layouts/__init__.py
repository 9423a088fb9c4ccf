"""Which recordings a folder holds: found by looking, or read in the layout that is named."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, cast

from configs import InputError
from data.layouts import audiofolder, kaldi, libritts, ljspeech, piper, vctk
from data.layouts.folder import EXTENSIONS, Folder, is_file, is_folder
from data.layouts.rows import Listing, Row, list_rows

__all__ = ["EXTENSIONS", "LAYOUTS", "Listing", "read_corpus"]


class _Layout(Protocol):
    """What the module of a layout has."""

    SIGNS: str  # what it is recognised by
    fits: Callable[[Folder], bool]
    read_rows: Callable[[Folder], Iterator[Row]]


_MODULES = {
    name: cast(_Layout, module)
    for name, module in {
        "ljspeech": ljspeech,
        "piper": piper,
        "vctk": vctk,
        "libritts": libritts,
        "kaldi": kaldi,
        "audiofolder": audiofolder,
    }.items()
}
LAYOUTS = tuple(_MODULES)
_WITH_METADATA = ("ljspeech", "piper", "audiofolder")  # the layouts whose rows are in a file the user can name


def read_corpus(root: str | Path, *, layout: str = "auto", metadata: str | None = None) -> Listing:
    """List the recordings of a folder; rows that cannot be used are findings, and stop nothing.

    Args:
        root: the folder.
        layout: one of LAYOUTS, or "auto" to find it by looking.
        metadata: name of the metadata file inside the folder, for the layouts that have one; None is metadata.csv.

    Raises:
        InputError: there is no such folder, layout or file, none or more than one layout fits, or no row can be used.
    """
    root = Path(root)
    if layout != "auto" and layout not in LAYOUTS:
        raise InputError(f"data.format = {layout!r} is no layout: choose auto, {', '.join(LAYOUTS)}")
    if not is_folder(root):
        raise InputError(f"{root}: there is no such folder: set data.root to the folder of the recordings")
    folder = Folder(root, metadata)
    if layout == "auto":
        layout = _recognise(folder)
    elif metadata is not None and layout not in _WITH_METADATA:
        raise InputError(f"data.metadata = {metadata!r}: the layout {layout} has no such file: leave data.metadata out")
    return list_rows(layout, folder, _MODULES[layout].read_rows(folder))


def _recognise(folder: Folder) -> str:
    """The one layout that fits."""
    possible = LAYOUTS if folder.metadata is None else _WITH_METADATA
    fitting = [name for name in possible if _MODULES[name].fits(folder)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        signs = " and ".join(f"{name} ({_MODULES[name].SIGNS})" for name in fitting)
        raise InputError(f"{folder.root}: may be {signs}: choose one with data.format, or --format of data.prepare")
    raise InputError(_unrecognised(folder, possible))


def _unrecognised(folder: Folder, possible: tuple[str, ...]) -> str:
    path = folder.metadata_path
    if is_file(path):
        if not path.read_bytes().strip():
            return f"{path}: is empty: it should hold one recording a line, such as ID|TEXT"
        return f"{path}: has none of the layouts that are known: {_signs(possible)}; correct the file"
    if folder.metadata is not None:
        return f"{path}: there is no such file: data.metadata and data.validation_metadata name files in {folder.root}"
    tables = sorted(name for name in folder.entries("").files.values() if name.endswith((".csv", ".jsonl", ".txt")))
    other = f", or set data.metadata where {' or '.join(tables[:5])} is the metadata" if tables else ""
    return f"{folder.root}: has none of {_signs(possible)}: set data.root to a folder of recordings{other}"


def _signs(layouts: tuple[str, ...]) -> str:
    return "; ".join(f"{_MODULES[name].SIGNS} ({name})" for name in layouts)
