"""Pairs of recording and transcript: `x.wav` and `x.txt` or `x.lab`, in one folder or in two.

The transcripts may be in a folder of their own, such as `txt` beside `wavs`. Folders of such pairs are named after
their speakers; subfolders of these, such as chapters, are not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.layouts.entries import Entries, parts_of, without_extension
from data.layouts.folder import Folder
from data.layouts.rows import Row, transcribed

SIGNS = "x.wav beside x.txt or x.lab"

_ENDINGS = (".txt", ".lab")  # in order of preference
_TEXT_FOLDERS = ("txt", "text", "texts", "lab", "labs", "transcripts", "transcript", "transcriptions")
# Folders that are not named after speakers.
_PARTS = {"train", "dev", "test", "valid", "validation", "val", "eval", "wavs", "wav", "audio", "clips", "recordings"}
_FEWEST = 2  # pairs
_DEEPEST = 3


@dataclass(frozen=True)
class _Place:
    """A folder of recordings, and the folder of their transcripts."""

    audio: Entries
    transcripts: Entries
    texts: dict[str, str]  # transcripts by recording
    folders: tuple[str, ...]  # from the root of the corpus to the recordings


def fits(folder: Folder) -> bool:
    """Whether at least half of the recordings have a transcript."""
    recordings = texts = 0
    for place in _places(folder):
        recordings += len(place.audio.recordings)
        texts += len(place.texts.keys() & place.audio.recordings.keys())
    return texts >= _FEWEST and 2 * texts >= recordings


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read every transcript, and list the recordings and the transcripts without the other."""
    places = _places(folder)
    speakers = _speakers(places)
    with_recording: dict[Path, set[str]] = {}
    for place in places:
        with_recording.setdefault(place.transcripts.path, set()).update(place.audio.recordings)
    for place in places:
        here = "/".join(place.folders)
        alone = place.texts.keys() - with_recording[place.transcripts.path]
        with_recording[place.transcripts.path] |= alone  # several places may share a folder of transcripts
        for stem in sorted(alone | place.audio.recordings.keys()):
            name = place.audio.recordings.get(stem, stem)
            yield transcribed(
                folder,
                f"{here}/{stem}" if len(places) > 1 and here else stem,
                name=f"{here}/{name}" if here else name,
                speaker=speakers.get(place.folders),
                transcript=place.transcripts.path / place.texts.get(stem, f"{stem}{_ENDINGS[0]}"),
                is_there=stem in place.texts,
            )


def notice(folder: Folder) -> str:
    """How the folders are read, for the user."""
    speakers = list(dict.fromkeys(_speakers(_places(folder)).values()))
    if not speakers:
        return ""
    return f"names of folders are taken for {len(speakers)} speakers, such as {speakers[0]} and {speakers[1]}"


def _speakers(places: Sequence[_Place]) -> dict[tuple[str, ...], str]:
    """The speaker of each place, by its folders: the outermost folder that differs; empty for one speaker."""
    named = {place.folders: [name for name in place.folders if name.casefold() not in _PARTS] for place in places}
    shared = next(
        (depth for depth, names in enumerate(zip(*named.values(), strict=False)) if len(set(names)) > 1), None
    )
    if shared is None:
        return {}
    return {folders: names[shared] for folders, names in named.items()}


def _places(folder: Folder) -> list[_Place]:
    """The folders of recordings with transcripts: beside them, or else in a folder of transcripts."""
    found: list[_Place] = []
    for audio in folder.folders_below("", _DEEPEST):
        if not audio.recordings:
            continue
        folders = tuple(parts_of(folder.relative(audio.path)))
        for transcripts in (audio, *_folders_of_texts(folder, folders)):
            if texts := _texts(transcripts, audio):
                found.append(_Place(audio, transcripts, texts, folders))
                break
    return found


def _folders_of_texts(folder: Folder, folders: Sequence[str]) -> Iterator[Entries]:
    """Possible folders of the transcripts: txt/ann for wavs/ann, ann/txt for ann/wavs, or txt."""
    for depth in range(len(folders), -1, -1):
        above = "/".join(folders[:depth])
        for name in folder.entries("", above).folders.values():
            if name.lower() in _TEXT_FOLDERS:
                for below in dict.fromkeys((folders[depth + 1 :], folders[depth:], ())):
                    yield folder.entries("", "/".join(filter(None, (above, name, *below))))


def _texts(transcripts: Entries, audio: Entries) -> dict[str, str]:
    texts: dict[str, str] = {}
    for ending in reversed(_ENDINGS):
        for name, path in transcripts.files.items():
            stem, extension = Path(name).stem, Path(name).suffix
            stem = stem if stem in audio.recordings else without_extension(stem)  # x.wav.txt
            if extension.lower() == ending and (transcripts is not audio or stem in audio.recordings):
                texts[stem] = path
    return texts if texts.keys() & audio.recordings.keys() else {}
