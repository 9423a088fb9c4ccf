"""Resolves the paths in a corpus to files: each directory is listed once, and no file is opened.

A recording is looked up where the layout has it, by its exact name. Failing that, it is matched leniently: another
extension or other capitals, a path from the working directory or from another computer, a folder of any name. Each such
deviation is counted in `Folder.deviations`.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path

from configs import InputError
from data.faults import Fault, FaultKind
from data.layouts.entries import (
    AUDIO_FOLDERS,
    Entries,
    composed,
    list_directory,
    parts_of,
    without_extension,
)

_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and lone surrogates
_DRIVE = re.compile(r"[A-Za-z]:")
_DEEPEST = 5  # levels below the root that are searched for recordings


class Deviation(Enum):
    """A way in which a corpus may deviate from its layout and still be read, and the sentence that tells it."""

    EXTENSION = "{rows} a recording with another extension than it has ({written} is read from {found})"
    CAPITALS = "{rows} a recording with other capital letters than it has ({written} is read from {found})"
    PATH = "{rows} a recording by a path from elsewhere ({written} is read from {found})"
    FOLDER = "{rows} a recording that was found by looking into every folder ({written} is read from {found})"
    LINK = "{links} out of the folder ({written} leads to {found}), and followed; data.strict=true refuses it"
    RAW_TEXT = "{lack} no normalised text in column 3, so column 2 is read and normalised ({written}, {found})"


class Deviations:
    """Counts deviations, and keeps the first example of each."""

    def __init__(self) -> None:
        self._counts: Counter[Deviation] = Counter()
        self._first: dict[Deviation, tuple[str, str]] = {}

    def add(self, deviation: Deviation, written: str, found: str) -> None:
        """Count one: what the row or the link says, and what was read instead."""
        self._counts[deviation] += 1
        self._first.setdefault(deviation, (written, found))

    def sentences(self) -> tuple[str, ...]:
        """One for each deviation that occurred."""
        return tuple(
            deviation.value.format(
                rows="1 row names" if count == 1 else f"{count} rows name",
                links="1 file is a link" if count == 1 else f"{count} files are links",
                lack="1 row has" if count == 1 else f"{count} rows have",
                written=self._first[deviation][0],
                found=self._first[deviation][1],
            )
            for deviation in Deviation
            if (count := self._counts[deviation])
        )


@dataclass(frozen=True, slots=True)
class _Found:
    entries: Entries  # of the directory it is in
    name: str  # on disk
    deviation: Deviation | None = None  # if it was matched leniently


class Folder:
    """The folder of a corpus.

    Args:
        root: an existing folder.
        metadata: path of the metadata file in it; None if the user named none.
        strict: whether symbolic links out of the folder are refused.
    """

    def __init__(self, root: Path, metadata: str | None, *, strict: bool = False) -> None:
        self.root = root
        self.metadata = metadata
        self.strict = strict
        self.deviations = Deviations()
        self._entries: dict[Path, Entries] = {}
        self._looked_into: dict[tuple[str, Sequence[str]], tuple[Entries, ...]] = {}
        self._is_outside: dict[int, bool] = {}  # by the id of the entries of a directory
        self._foreign_prefixes: set[tuple[str, ...]] = set()

    def entries(self, place: str, directory: str = "") -> Entries:
        """The entries of `directory` in `place` (relative to the folder, or absolute); none if it does not exist.

        Raises:
            InputError: it may not be listed.
        """
        path = self.root / place / directory
        if path not in self._entries:
            self._entries[path] = list_directory(path)
        return self._entries[path]

    def find(
        self, name: str, places: Sequence[str] = ("",), *, absolute: bool = False, quietly: bool = False
    ) -> Path | Fault:
        """Resolve the path of a recording in a row, with or without its extension.

        Args:
            name: the path in the row.
            places: the folders it may be in, the most likely first.
            absolute: whether it may be an absolute path out of the folder.
            quietly: whether deviations are not counted.
        """
        if _NOT_IN_NAMES.search(name):
            return Fault(FaultKind.PATH_ESCAPE, f"{name!r} has characters no file should have in its name")
        found = self._search(name, places, absolute)
        if isinstance(found, Fault):
            return found
        path = found.entries.path / found.name
        if fault := self._follow(found.entries, found.name, quietly):
            return fault
        if found.deviation and not quietly:
            self.deviations.add(found.deviation, name, self.relative(path))
        return path

    def has(self, name: str, places: Sequence[str]) -> bool:
        """Whether one of the places has a recording of exactly this name."""
        *folders, last = parts_of(name) or [""]
        if not last or _NOT_IN_NAMES.search(name) or name.startswith(("/", "\\")) or ".." in folders:
            return False
        try:
            return any(place.recording(composed(last)) for place in self._places("/".join(folders), places))
        except InputError:
            return False

    def learn_prefixes(self, names: Sequence[str]) -> None:
        """Learn the prefixes of paths from another computer, so that the rest of each path can be found here."""
        counts: Counter[tuple[str, ...]] = Counter()
        for name in names:
            *folders, last = parts_of(name) or [""]
            for found in (*self._indexed(last), *(self.entries(place) for place in (*AUDIO_FOLDERS, ""))):
                if folders and (found.recording(composed(last)) or found.other_recording(composed(last))):
                    counts[tuple(folders[: len(folders) - self._shared(folders, found)])] += 1
                    break
        self._foreign_prefixes |= {prefix for prefix, count in counts.items() if prefix and 2 * count > len(names)}

    def _shared(self, folders: Sequence[str], found: Entries) -> int:
        """How many trailing folders of a path match the place of a recording."""
        real = parts_of(self.relative(found.path))
        pairs = zip(reversed(folders), reversed(real), strict=False)
        differing = (index for index, (one, other) in enumerate(pairs) if one.casefold() != other.casefold())
        return next(differing, min(len(folders), len(real)))

    def _search(self, name: str, places: Sequence[str], absolute: bool) -> _Found | Fault:
        name = str(Path(name).expanduser()) if name.startswith("~/") else name
        parts = parts_of(name)
        rooted = name.startswith(("/", "\\"))
        if not parts:
            return Fault(FaultKind.MISSING_FILE, "the row names no recording")
        elsewhere = rooted or bool(_DRIVE.match(name))
        if (absolute and rooted) or not (elsewhere or ".." in parts):
            found = self._look("/" * rooted + "/".join(parts[:-1]), parts[-1], places)
            if isinstance(found, _Found) or found.kind == FaultKind.DIRECTORY:
                return found
        elif elsewhere:
            found = Fault(FaultKind.PATH_ESCAPE, f"{name!r} is an absolute path: name it from inside the folder")
        else:
            found = Fault(FaultKind.PATH_ESCAPE, f"{name!r} has .. in it, which could lead out of the folder")
        return self._by_path(name, parts, rooted) or self._by_prefix(parts, places) or found

    def _look(self, directory: str, last: str, places: Sequence[str]) -> _Found | Fault:
        """Look into the places, then everywhere for a path with this ending."""
        last = composed(last)
        try:
            looked_into = self._places(directory, places)
        except InputError as error:
            return Fault(FaultKind.MISSING_FILE, str(error))
        for entries in looked_into:
            if found := entries.recording(last):
                return _Found(entries, found)
        for entries in looked_into:
            if found := entries.other_recording(last):
                return _Found(entries, found, _spelling(last, found))
        for entries in looked_into:
            if path := entries.directory(last):
                return Fault(FaultKind.DIRECTORY, f"{path} is a directory")
        if not directory.startswith("/") and (anywhere := self._look_anywhere(directory, last)):
            return anywhere
        where = "" if directory.startswith("/") else " in " + " or ".join(str(self.root / place) for place in places)
        return Fault(FaultKind.MISSING_FILE, f"there is no recording {directory}{'/' * bool(directory)}{last}{where}")

    def _places(self, directory: str, places: Sequence[str]) -> tuple[Entries, ...]:
        key = (directory, places)
        if key not in self._looked_into:
            self._looked_into[key] = tuple(self.entries(place, directory) for place in places)
        return self._looked_into[key]

    def _look_anywhere(self, directory: str, last: str) -> _Found | Fault | None:
        """Look for a path with this ending in every folder."""
        folders = parts_of(directory)
        places = (*self._indexed(last), *(self.entries(place) for place in ("", *AUDIO_FOLDERS)))
        inside = [entries for entries in places if self._shared(folders, entries) == len(folders)]
        exact = [_Found(entries, name, Deviation.FOLDER) for entries in inside if (name := entries.recording(last))]
        near = [
            _Found(entries, name, Deviation.FOLDER) for entries in inside if (name := entries.other_recording(last))
        ]
        found = exact or near
        if len(found) > 1:
            paths = " and ".join(self.relative(one.entries.path / one.name) for one in found[:2])
            return Fault(FaultKind.MISSING_FILE, f"{last} may be {paths}: name the folder, too")
        return found[0] if found else None

    def _by_path(self, name: str, parts: Sequence[str], rooted: bool) -> _Found | None:
        """A recording in the folder, by a path from its root, its metadata file or the working directory."""
        path = "/" * rooted + "/".join(parts)
        bases = dict.fromkeys((self.root, self.metadata_folder, Path.cwd()))
        for base in bases:
            target = Path(os.path.normpath(base.absolute() / path))
            for root in (Path(os.path.normpath(self.root.absolute())), self._real_root):
                if target.is_relative_to(root) and target != root:
                    *folders, last = target.relative_to(root).parts
                    found = self._look_only("/".join(folders), last)
                    if found:
                        return found
        return None

    def _by_prefix(self, parts: Sequence[str], places: Sequence[str]) -> _Found | None:
        """A recording by a path with one of the learned prefixes."""
        for prefix in self._foreign_prefixes:
            if tuple(parts[: len(prefix)]) == prefix and len(parts) > len(prefix):
                *folders, last = parts[len(prefix) :]
                found = self._look("/".join(folders), last, places)
                if isinstance(found, _Found):
                    return replace(found, deviation=Deviation.PATH)
        return None

    def _look_only(self, directory: str, last: str) -> _Found | None:
        try:
            entries = self.entries("", directory)
        except InputError:
            return None
        found = entries.recording(composed(last)) or entries.other_recording(composed(last))
        return _Found(entries, found, Deviation.PATH) if found else None

    def _indexed(self, name: str) -> Sequence[Entries]:
        return self._index.get(without_extension(composed(name)).casefold(), ())

    @cached_property
    def _index(self) -> dict[str, list[Entries]]:
        """The folders of each recording, by its name in lower case; without those that are searched for every row."""
        index: dict[str, list[Entries]] = {}
        for entries in self.folders_below("", _DEEPEST):
            if entries.path not in {self.root / place for place in ("", *AUDIO_FOLDERS)}:
                for stem in entries.recordings:
                    index.setdefault(stem.casefold(), []).append(entries)
        return index

    def folders_below(self, directory: str, depth: int) -> Iterator[Entries]:
        """A directory and its subdirectories down to a depth, without hidden ones."""
        try:
            entries = self.entries("", directory)
        except InputError:  # it may not be listed
            return
        yield entries
        for folder in sorted(entries.folders.values()) if depth else ():
            # A link to a folder inside leads to what is visited anyway, and may form a loop.
            inside = folder in entries.links and (entries.path / folder).resolve().is_relative_to(self._real_root)
            if not (folder.startswith(".") or inside):
                yield from self.folders_below(f"{directory}/{folder}" if directory else folder, depth - 1)

    @property
    def metadata_folder(self) -> Path:
        """The folder of the metadata file."""
        return (self.root / self.metadata).parent if self.metadata else self.root

    def _follow(self, entries: Entries, name: str, quietly: bool) -> Fault | None:
        """Count the symbolic link out of the folder that leads to this file, if any; a fault if it is refused."""
        if id(entries) not in self._is_outside:
            real = Path(os.path.realpath(entries.path))
            inside = entries.path.is_relative_to(self.root)
            self._is_outside[id(entries)] = inside and not real.is_relative_to(self._real_root)
        outside = self._is_outside[id(entries)]
        if not outside and name not in entries.links:
            return None
        path = entries.path / name
        target = Path(os.path.realpath(path))
        if not path.is_relative_to(self.root) or target.is_relative_to(self._real_root):
            return None
        if self.strict:
            detail = f"{self.relative(path)} is a link to {target}, out of the folder, which data.strict refuses"
            return Fault(FaultKind.PATH_ESCAPE, detail)
        if not quietly:
            self.deviations.add(Deviation.LINK, self.relative(path), str(target))
        return None

    def follow(self, path: Path) -> Fault | None:
        """The same for a metadata file or a transcript."""
        if not path.is_relative_to(self.root):
            return None
        return self._follow(self.entries("", self.relative(path.parent)), path.name, quietly=False)

    @cached_property
    def _real_root(self) -> Path:
        return Path(os.path.realpath(self.root))

    def relative(self, path: Path) -> str:
        """The path relative to the folder, if it is inside."""
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()


def _spelling(written: str, found: str) -> Deviation:
    """The deviation of a row from the name of the file."""
    return (
        Deviation.CAPITALS if without_extension(written) != without_extension(composed(found)) else Deviation.EXTENSION
    )
