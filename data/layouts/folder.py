"""A folder of recordings as it is looked at: each directory is listed once, and no file is opened."""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from data.findings import Fault

# What soundfile reads; where a row names no extension and there are several such files, the first of these is taken.
EXTENSIONS = (
    *(".wav", ".flac", ".aiff", ".aif", ".aifc", ".w64", ".rf64", ".caf", ".au", ".snd", ".sph", ".voc"),
    *(".ogg", ".oga", ".opus", ".mp3"),
)
AUDIO_FOLDERS = ("wavs", "wav")  # where recordings lie beside a metadata file, if not in the same folder

_PREFERENCE = {extension: rank for rank, extension in enumerate(EXTENSIONS)}
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and halves of characters
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Flaw:
    """Why a row cannot be used."""

    fault: Fault
    detail: str


@dataclass(frozen=True)
class Entries:
    """What is in a directory, by name; names are in Unicode's composed form, whatever form the disk has them in."""

    path: Path
    files: dict[str, str]  # to the name on disk
    recordings: dict[str, str]  # without an audio extension, to the name on disk
    folders: dict[str, str]  # to the name on disk

    def recording(self, name: str) -> Path | None:
        """The file that is called so, with or without an audio extension."""
        found = self.files.get(name) if without_extension(name) != name else None
        found = found or self.recordings.get(name) or self.files.get(name)
        return self.path / found if found else None

    def directory(self, name: str) -> Path | None:
        """The directory that stands where the recording `name` would be."""
        found = next((name + ending for ending in ("", *EXTENSIONS) if name + ending in self.folders), None)
        return self.path / self.folders[found] if found else None


class Folder:
    """The folder of a corpus.

    Args:
        root: an existing folder.
        metadata: name of the metadata file inside it; None where the user named none.
    """

    def __init__(self, root: Path, metadata: str | None) -> None:
        self.root = root
        self.metadata = metadata
        self._entries: dict[tuple[str, str], Entries] = {}

    @property
    def metadata_path(self) -> Path:
        """The metadata file, which need not be there."""
        return self.root / (self.metadata or "metadata.csv")

    def entries(self, place: str, directory: str = "") -> Entries:
        """What is in `directory` of `place` (which is relative to the folder, or absolute); nothing if it is not there.

        Raises:
            InputError: we may not list it.
        """
        key = (place, directory)
        if key not in self._entries:
            self._entries[key] = _list(self.root / place / directory)
        return self._entries[key]

    def find(self, name: str, places: Sequence[str] = ("",), *, absolute: bool = False) -> Path | Flaw:
        """The recording a row names, with or without its extension.

        Args:
            name: what the row says.
            places: the folders it may be in, the likeliest first.
            absolute: whether the name may be an absolute path.
        """
        if _NOT_IN_NAMES.search(name):
            return Flaw(Fault.PATH_ESCAPE, f"{name!r} has characters no file should have in its name")
        parts = _parts(name)
        rooted = name.startswith(("/", "\\"))
        if not parts:
            return Flaw(Fault.MISSING_FILE, "the row names no recording")
        if not absolute and (rooted or _DRIVE.match(name)):
            return Flaw(Fault.PATH_ESCAPE, f"{name!r} is an absolute path: name it from inside the folder")
        if ".." in parts and not rooted:
            return Flaw(Fault.PATH_ESCAPE, f"{name!r} has .. in it, which could lead out of the folder")
        directory, last = "/" * rooted + "/".join(parts[:-1]), _composed(parts[-1])
        try:
            looked_into = [self.entries(place, directory) for place in places]
        except InputError as error:
            return Flaw(Fault.MISSING_FILE, str(error))
        for entries in looked_into:
            if found := entries.recording(last):
                return found
        for entries in looked_into:
            if found := entries.directory(last):
                return Flaw(Fault.DIRECTORY, f"{found} is a directory")
        where = "" if rooted else " in " + " or ".join(str(self.root / place) for place in places)
        return Flaw(Fault.MISSING_FILE, f"there is no recording {name}{where}")

    def relative(self, path: Path) -> str:
        """The path from inside the folder, where it is inside."""
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()


def without_extension(name: str) -> str:
    """The name without its audio extension; any other ending belongs to the name."""
    stem, dot, extension = name.rpartition(".")
    return stem if stem and dot + extension.lower() in _PREFERENCE else name


def id_of(name: str) -> str:
    """The id of the recording a row names: its path from the folder of the recordings, without extension."""
    path = without_extension(name)
    if "/" not in path and "\\" not in path:
        return path
    parts = _parts(path)
    inside = parts[1:] if parts and parts[0] in AUDIO_FOLDERS else parts
    return "/" * path.startswith(("/", "\\")) + "/".join(inside)


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that cannot be one, such as one that is too long, is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; a name that cannot be one is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def _list(path: Path) -> Entries:
    entries = Entries(path, {}, {}, {})
    try:
        with os.scandir(path) as listed:
            for entry in listed:
                _note(entry, entries)
    except PermissionError as error:
        raise InputError(f"{path}: we may not list it: allow it to be read") from error
    except OSError:  # there is no such directory, or its name is too long to be one
        pass
    return entries


def _note(entry: "os.DirEntry[str]", entries: Entries) -> None:
    try:
        is_file, name = entry.is_file(), _composed(entry.name)
        if not is_file and entry.is_dir():
            entries.folders[name] = entry.name
    except (OSError, UnicodeEncodeError):  # a link that leads nowhere, or a name that is not UTF-8
        return
    if is_file:
        entries.files[name] = entry.name
        stem = without_extension(name)
        if stem != name:
            entries.files.setdefault(stem + name.removeprefix(stem).lower(), entry.name)  # x.WAV, where a row has x.wav
            rival = entries.recordings.get(stem)
            if rival is None or _rank(entry.name) < _rank(rival):
                entries.recordings[stem] = entry.name


def _rank(name: str) -> tuple[int, str]:
    return _PREFERENCE[name[name.rindex(".") :].lower()], name


def _composed(name: str) -> str:
    if name.isascii():
        return name
    name.encode()
    return unicodedata.normalize("NFC", name)
