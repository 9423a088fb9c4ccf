"""LibriTTS (openslr.org/60): `SPEAKER/CHAPTER/ID.wav` with `ID.normalized.txt` beside it, in one subset or several."""

from collections.abc import Iterator

from configs import InputError
from data.layouts.folder import Folder
from data.layouts.rows import Row, transcribed

SIGNS = "SPEAKER/CHAPTER/*.normalized.txt with numbers for folders, perhaps inside train-clean-100/ and the like"

_TRANSCRIPTS = (".normalized.txt", ".original.txt")  # in order of preference
_SUBSETS = 2  # maximum levels above the speakers, as in LibriTTS/train-clean-100/SPEAKER/CHAPTER


def fits(folder: Folder) -> bool:
    """Whether there are transcripts in folders with numbers for names, as speakers and chapters have."""
    return any(
        name.endswith(_TRANSCRIPTS)
        for chapter in _chapters(folder, by_number=True)
        for name in folder.entries(chapter).files
    )


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read every transcript, and list the recordings without one."""
    for chapter in _chapters(folder, by_number=False):
        entries = folder.entries(chapter)
        transcripts = {
            name.removesuffix(ending): path
            for ending in reversed(_TRANSCRIPTS)
            for name, path in entries.files.items()
            if name.endswith(ending)
        }
        for identity in sorted(transcripts.keys() | entries.recordings.keys()):
            yield transcribed(
                folder,
                identity,
                name=f"{chapter}/{entries.recordings.get(identity, identity)}",
                speaker=chapter.split("/")[-2],
                transcript=entries.path / transcripts.get(identity, f"{identity}{_TRANSCRIPTS[0]}"),
                is_there=identity in transcripts,
            )


def _chapters(folder: Folder, *, by_number: bool) -> Iterator[str]:
    """The folders at levels two to four, in order; with `by_number`, only numbers inside numbers."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        path = waiting.pop()
        numbers = [part.isdecimal() for part in path]
        if len(path) >= 2 and (not by_number or all(numbers[-2:])):
            yield "/".join(path)
        if len(path) <= _SUBSETS or (len(path) == _SUBSETS + 1 and (numbers[-1] or not by_number)):
            waiting += [(*path, name) for name in _below(folder, "/".join(path), looking=by_number)]


def _below(folder: Folder, directory: str, *, looking: bool) -> list[str]:
    """The subfolders in reverse order; while detecting the layout, a folder that may not be listed has none."""
    try:
        names = folder.entries(directory).folders.values()
    except InputError:
        if looking:
            return []
        raise
    return sorted((name for name in names if not name.startswith(".") and name != "lost+found"), reverse=True)
