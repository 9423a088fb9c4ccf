"""Directory listings, indexed by the names that a row may use; no file is opened."""

import errno
import os
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from configs import InputError

# The formats of soundfile, in order of preference if a row names no extension and there are several files.
EXTENSIONS = (
    *(".wav", ".flac", ".aiff", ".aif", ".aifc", ".w64", ".rf64", ".caf", ".au", ".snd", ".sph", ".voc"),
    *(".ogg", ".oga", ".opus", ".mp3"),
)
AUDIO_FOLDERS = ("wavs", "wav")  # of the recordings, beside a metadata file

# What the system says where there is no directory of this name, or where no directory can have it.
_NO_DIRECTORY = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
_PREFERENCE = {extension: rank for rank, extension in enumerate(EXTENSIONS)}


@dataclass(frozen=True)
class Entries:
    """The entries of a directory by name, in Unicode's composed form, whatever the form on disk."""

    path: Path
    files: dict[str, str] = field(default_factory=dict)  # to the name on disk
    recordings: dict[str, str] = field(default_factory=dict)  # without an audio extension, to the name on disk
    folders: dict[str, str] = field(default_factory=dict)  # to the name on disk
    links: set[str] = field(default_factory=set)  # names on disk of symbolic links

    def recording(self, name: str) -> str | None:
        """The name on disk of the recording with this name, with or without an audio extension."""
        found = self.files.get(name) if without_extension(name) != name else None
        return found or self.recordings.get(name) or self.files.get(name)

    def other_recording(self, name: str) -> str | None:
        """The recording of this name with another extension or other capitals; None if ambiguous."""
        stem = without_extension(name)
        if found := self.recordings.get(stem):
            return found
        alike = self._by_small_letters.get(stem.casefold(), [])
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def _by_small_letters(self) -> dict[str, list[str]]:
        alike: dict[str, list[str]] = {}
        for stem, name in self.recordings.items():
            alike.setdefault(stem.casefold(), []).append(name)
        return alike

    def directory(self, name: str) -> Path | None:
        """The directory in the place of the recording `name`."""
        found = next((name + ending for ending in ("", *EXTENSIONS) if name + ending in self.folders), None)
        return self.path / self.folders[found] if found else None


def without_extension(name: str) -> str:
    """The name without its audio extension; any other suffix belongs to the name."""
    stem, dot, extension = name.rpartition(".")
    return stem if stem and dot + extension.lower() in _PREFERENCE else name


def id_of(name: str) -> str:
    """The id of a recording: its path in the folder of the recordings, without extension."""
    path = without_extension(name)
    if "/" not in path and "\\" not in path:
        return path
    parts = parts_of(path)
    inside = parts[1:] if parts and parts[0] in AUDIO_FOLDERS else parts
    return "/" * path.startswith(("/", "\\")) + "/".join(inside)


def is_file(path: Path) -> bool:
    """Whether the file exists; False for an invalid name, such as one that is too long."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises an OSError for some names


def is_folder(path: Path) -> bool:
    """Whether the folder exists; False for an invalid name."""
    return os.path.isdir(path)  # noqa: PTH112 - likewise


def parts_of(name: str) -> list[str]:
    """The parts of a path, with slashes or backslashes."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def list_directory(path: Path) -> Entries:
    """List a directory; one that does not exist is empty.

    Raises:
        InputError: it cannot be listed.
    """
    entries = Entries(path)
    try:
        with os.scandir(path) as listed:
            for entry in listed:
                _note(entry, entries)
    except PermissionError as error:
        raise InputError(f"{path}: we may not list it: allow it to be read") from error
    except OSError as error:
        if error.errno not in _NO_DIRECTORY:
            raise InputError(f"{path}: it cannot be listed: {error.strerror}") from error
    return entries


def _note(entry: "os.DirEntry[str]", entries: Entries) -> None:
    try:
        is_file, name = entry.is_file(), composed(entry.name)
        if entry.is_symlink():
            entries.links.add(entry.name)
        if not is_file and entry.is_dir():
            entries.folders[name] = entry.name
    except (OSError, UnicodeEncodeError):  # a dangling link, or a name that is not UTF-8
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


def composed(name: str) -> str:
    """The name in Unicode's composed form."""
    if name.isascii():
        return name
    name.encode()
    return unicodedata.normalize("NFC", name)
