"""The metadata file of a corpus: which recordings there are, what is said in them, and by whom.

LJSpeech's layout (keithito.com/LJ-Speech-Dataset): one recording a line, columns separated by `|`, nothing quoted, no
header, audio in `wavs/ID.wav` or `wavs/ID.flac`. Every line is used or named in an error; none is dropped.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from configs import InputError

EXTENSIONS = (".wav", ".flac")


@dataclass(frozen=True)
class Recording:
    """One line of a metadata file."""

    id: str  # without extension
    text: str
    speaker: str | None  # None where there is no speaker column
    audio_path: Path
    metadata: Path  # the file this line comes from
    line: int  # counted from 1

    @property
    def where(self) -> str:
        """File and line, for what is said to the user."""
        return f"{self.metadata} line {self.line}"


def read_metadata(root: str | Path, metadata: str, columns: Sequence[str]) -> list[Recording]:
    """Read every line of `root`/`metadata`.

    Args:
        root: folder that holds the metadata file and `wavs/`.
        metadata: name of the file inside it.
        columns: what the columns are: `id` and `text`, perhaps `speaker`; other names are ignored.

    Returns:
        The recordings in the order of the file, at least one.

    Raises:
        InputError: the folder or file is missing or empty, or lines are at fault; the first of them is described
            and the rest are counted.
    """
    root = Path(root)
    path = root / metadata
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder: set data.root to the folder of the recordings")
    layout = f"one recording a line as {'|'.join(columns)}, and its audio in {root / 'wavs'}"
    if not path.is_file():
        raise InputError(f"{path}: there is no such file: it should hold {layout}; data.metadata names another file")
    recordings: list[Recording] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for line, row in _lines(path):
        try:
            recording = _parse(row, root, path, line, tuple(columns))
            if recording.id in seen:
                first = seen[recording.id]
                raise InputError(f"the id {recording.id!r} is already on line {first}: remove one of the two")
        except InputError as error:
            faults.append(f"{path} line {line}: {error}")
        else:
            seen[recording.id] = line
            recordings.append(recording)
    if faults:
        raise InputError(first_of(faults))
    if not recordings:
        raise InputError(f"{path}: has no rows: it should hold {layout}")
    return recordings


def first_of(faults: Sequence[str]) -> str:
    """The first fault, and how many rows more have one."""
    more = len(faults) - 1
    return faults[0] + (f" ({more} more {'row has a fault' if more == 1 else 'rows have faults'})" if more else "")


def split_validation(recordings: Sequence[Recording], count: int) -> tuple[list[Recording], list[Recording]]:
    """Set `count` recordings aside: those whose ids have the smallest SHA-256.

    The choice does not depend on the order of the rows, and rows that are added or removed move few others.

    Returns:
        The recordings to train on and those set aside, each in the order given.

    Raises:
        InputError: nothing would be left to train on.
    """
    if len(recordings) < 2:
        raise InputError("there is one recording: a corpus needs two, one to train on and one to validate with")
    if count >= len(recordings):
        raise InputError(
            f"data.validation_clips = {count} leaves nothing to train on: there are {len(recordings)} recordings; "
            "lower data.validation_clips"
        )
    by_hash = sorted(recordings, key=lambda recording: hashlib.sha256(recording.id.encode()).digest())
    chosen = {recording.id for recording in by_hash[:count]}
    train = [recording for recording in recordings if recording.id not in chosen]
    return train, [recording for recording in recordings if recording.id in chosen]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path} line {line}: is not UTF-8: save the file as UTF-8") from error
    # Not splitlines(): it also breaks at characters that may stand inside a text, such as U+2028.
    for line, row in enumerate(text.split("\n"), start=1):
        if row.strip():
            yield line, row


def _parse(row: str, root: Path, metadata: Path, line: int, columns: tuple[str, ...]) -> Recording:
    cells = [cell.strip() for cell in row.split("|")]
    if len(cells) != len(columns):
        raise InputError(
            f"has {len(cells)} columns where {len(columns)} are expected ({'|'.join(columns)}): correct the line, or "
            "set data.columns to the columns of the file"
        )
    named = dict(zip(columns, cells, strict=True))
    if not named["text"]:
        raise InputError("the text is empty: write what is said, or remove the line")
    if named.get("speaker") == "":
        raise InputError("the speaker is empty: name the speaker, or remove the line")
    identity, audio_path = _audio_path(root, named["id"])
    return Recording(identity, named["text"], named.get("speaker"), audio_path, metadata, line)


def _audio_path(root: Path, identity: str) -> tuple[str, Path]:
    """The id without extension, and the file it names."""
    if not identity:
        raise InputError("the id is empty: name the recording in wavs/, or remove the line")
    windows = PureWindowsPath(identity)  # its separators include those of POSIX
    if windows.anchor or ".." in windows.parts or not identity.isprintable():
        raise InputError(f"the id {identity!r} is not the name of a file inside wavs/: correct it")
    stem, extension = identity, PurePosixPath(identity).suffix.lower()
    if extension in EXTENSIONS:
        stem = identity[: -len(extension)]
        candidates = [root / "wavs" / identity]
    else:
        candidates = [root / "wavs" / f"{identity}{extension}" for extension in EXTENSIONS]
    for candidate in candidates:
        if _is_file(candidate):
            return stem, candidate
    names = " or ".join(str(candidate) for candidate in candidates)
    raise InputError(f"{names} does not exist: add the recording, or remove the line")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False
