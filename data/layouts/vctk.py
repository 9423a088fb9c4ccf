"""VCTK 0.92 (datashare.ed.ac.uk/handle/10283/3443): `txt/p225/p225_001.txt`, with two microphones.

The first microphone is used, `wav48_silence_trimmed/p225/p225_001_mic1.flac`, or else the second. VCTK 0.80 has one,
`wav48/p225/p225_001.wav`.
"""

import re
from collections.abc import Iterator

from data.layouts.folder import Folder
from data.layouts.rows import Row, transcribed

SIGNS = "txt/SPEAKER/*.txt and wav48_silence_trimmed/ or wav48/"

_AUDIO_FOLDERS = ("wav48_silence_trimmed", "wav48")
_MICROPHONE = re.compile(r"_mic[12]$")


def fits(folder: Folder) -> bool:
    """Whether the folders of transcripts and of recordings exist."""
    top = folder.entries("").folders
    return "txt" in top and any(name in top for name in _AUDIO_FOLDERS)


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read every transcript, and list the recordings without one; folders are named after the speakers."""
    top = folder.entries("").folders
    audio_folder = next((name for name in _AUDIO_FOLDERS if name in top), _AUDIO_FOLDERS[0])
    speakers = {*folder.entries("txt").folders.values(), *folder.entries(audio_folder).folders.values()}
    for speaker in sorted(speakers):
        text_entries, recordings = folder.entries("txt", speaker), folder.entries(audio_folder, speaker).recordings
        transcripts = {
            name.removesuffix(".txt"): path for name, path in text_entries.files.items() if name.endswith(".txt")
        }
        for identity in sorted(transcripts.keys() | {_MICROPHONE.sub("", name) for name in recordings}):
            names = (f"{identity}_mic1", f"{identity}_mic2", identity)
            name = next((recordings[name] for name in names if name in recordings), identity)
            yield transcribed(
                folder,
                identity,
                name=f"{audio_folder}/{speaker}/{name}",
                speaker=speaker,
                transcript=text_entries.path / transcripts.get(identity, f"{identity}.txt"),
                is_there=identity in transcripts,
            )
