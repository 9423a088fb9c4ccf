"""Each recording with its text in a file of the same name: `x.wav` and `x.txt` or `x.lab`, in one folder or in two.

As the Montreal Forced Aligner has it, several folders that hold such pairs are a speaker each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data.layouts.entries import Entries
from data.layouts.folder import Folder
from data.layouts.rows import Row
from data.layouts.transcripts import transcribed

SIGNS = "x.wav beside x.txt or x.lab"

_ENDINGS = (".txt", ".lab")  # the first that is there is read
_TEXT_FOLDERS = ("txt", "text", "texts", "lab", "labs", "transcripts", "transcript", "transcriptions")
# Folders that are no speakers.
_PARTS = {"train", "dev", "test", "valid", "validation", "val", "eval", "wavs", "wav", "audio", "clips", "recordings"}
_FEWEST = 2  # pairs
_DEEPEST = 3


@dataclass(frozen=True)
class _Place:
    """A folder of recordings, and the one of their texts."""

    heard: Entries
    said: Entries
    texts: dict[str, str]  # the name of each text, by the name of its recording


def fits(folder: Folder) -> bool:
    """Whether there are recordings with a text each, for half of the recordings or more."""
    recordings = texts = 0
    for place in _places(folder):
        recordings += len(place.heard.recordings)
        texts += len(place.texts.keys() & place.heard.recordings.keys())
    return texts >= _FEWEST and 2 * texts >= recordings


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read every text, and name the recordings that have none."""
    places = _places(folder)
    names = {id(place): folder.relative(place.heard.path) for place in places}
    speakers = {key: name.rpartition("/")[2] for key, name in names.items()}
    has_speakers = len(places) > 1 and not _PARTS & {name.casefold() for name in speakers.values()} - {"."}
    several = len(places) > 1
    for place in places:
        here = names[id(place)]
        for stem in sorted(place.texts.keys() | place.heard.recordings.keys()):
            name = place.heard.recordings.get(stem, stem)
            path = name if here == "." else f"{here}/{name}"
            yield transcribed(
                folder,
                f"{here}/{stem}" if several and here != "." else stem,
                name=path,
                speaker=speakers[id(place)] if has_speakers else None,
                transcript=place.said.path / place.texts.get(stem, f"{stem}{_ENDINGS[0]}"),
                is_there=stem in place.texts,
            )


def notice(folder: Folder) -> str:
    """What was understood of the folders, for the user to see."""
    places = [folder.relative(place.heard.path) for place in _places(folder)]
    if len(places) < 2 or _PARTS & {place.rpartition("/")[2].casefold() for place in places}:
        return ""
    return f"each of the {len(places)} folders is taken for a speaker, such as {places[0]} and {places[1]}"


def _places(folder: Folder) -> list[_Place]:
    """The folders with recordings that have texts; where none has texts beside them, the folder of texts is used."""
    found: list[_Place] = []
    apart = [folder.entries("", name) for name in folder.entries("").folders.values() if name.lower() in _TEXT_FOLDERS]
    for entries in folder.folders_below("", _DEEPEST):
        if not entries.recordings:
            continue
        for said in (entries, *apart):
            if texts := _texts(said, entries):
                found.append(_Place(entries, said, texts))
                break
    return found


def _texts(said: Entries, heard: Entries) -> dict[str, str]:
    texts: dict[str, str] = {}
    for ending in reversed(_ENDINGS):
        for name, path in said.files.items():
            stem, extension = Path(name).stem, Path(name).suffix
            if extension.lower() == ending and (said is not heard or stem in heard.recordings):
                texts[stem] = path
    return texts if texts.keys() & heard.recordings.keys() else {}
