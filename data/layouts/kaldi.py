"""Kaldi (kaldi-asr.org/doc/data_prep.html): `wav.scp`, `text`, optionally `utt2spk`; each line begins with an id."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from configs import InputError
from data.faults import Fault, FaultKind
from data.layouts.folder import Folder
from data.layouts.lines import Line, read_lines
from data.layouts.rows import Row

SIGNS = "wav.scp and text"

_NOWHERE = (Line(0, "", fault=Fault(FaultKind.MISSING_FILE, "wav.scp has no line for it")), "")


def fits(folder: Folder) -> bool:
    """Whether `wav.scp` and `text` exist."""
    return {"wav.scp", "text"} <= folder.entries("").files.keys()


def read_rows(folder: Folder) -> Iterator[Row]:
    """Read the lines of `text`, then those of `wav.scp` without a line in `text`.

    A path may be absolute, or relative to the folder, to the working directory or to the three folders above. Commands
    in `wav.scp` are not run: their rows are dropped.

    Raises:
        InputError: a file is missing or cannot be read, or there is a file `segments`.
    """
    if "segments" in folder.entries("").files:
        raise InputError(
            f"{folder.root / 'segments'}: recordings that are cut into segments are not read: write each segment to a "
            "file of its own, and name that in wav.scp"
        )
    scp_file, text_file = folder.root / "wav.scp", folder.root / "text"
    recordings: dict[str, tuple[Line, str]] = {}
    again: list[tuple[Line, str, str]] = []
    for line, identity, name in _pairs(scp_file):
        if identity in recordings:
            again.append((line, identity, name))
        else:
            recordings[identity] = (line, name)
    speakers = _speakers(folder)
    places = ("", str(Path.cwd()), *(str(path) for path in folder.root.resolve().parents[:3]))
    spoken: Counter[str] = Counter()
    for line, identity, text in _pairs(text_file):
        spoken[identity] += 1
        scp, name = recordings.get(identity, _NOWHERE)
        audio = line.fault or _audio(folder, places, scp, name)
        repair = "; ".join(filter(None, (line.repair, scp.repair and f"in wav.scp, {scp.repair}")))
        speaker = speakers.get(identity, "") if speakers else None
        yield Row(identity, name, text, speaker, audio, text_file, line.number, repair)
    for identity, (line, name) in recordings.items():
        if not spoken[identity]:
            fault = Fault(FaultKind.EMPTY_TEXT, f"wav.scp line {line.number}: text has no line for it")
            yield Row(identity, name, "", None, fault, scp_file, line.number, line.repair)
    for line, identity, name in again:
        if spoken[identity] < 2:  # else it is a row of text's already
            detail = (
                f"wav.scp line {line.number}: the id {identity} is already on line {recordings[identity][0].number}"
            )
            yield Row(
                identity, name, "", None, Fault(FaultKind.DUPLICATE_ID, detail), scp_file, line.number, line.repair
            )


def _audio(folder: Folder, places: Sequence[str], line: Line, name: str) -> Path | Fault:
    if line.fault:
        return line.fault
    if name.endswith("|"):
        command = f"wav.scp line {line.number} is a command, and commands are not run: write what it puts out to a file"
        return Fault(FaultKind.MISSING_FILE, command)
    found = folder.find(name, places, absolute=True)
    return Fault(found.kind, f"wav.scp line {line.number}: {found.detail}") if isinstance(found, Fault) else found


def _speakers(folder: Folder) -> dict[str, str]:
    """The speaker of each id; empty if none are named."""
    if "utt2spk" not in folder.entries("").files:
        return {}
    speakers = {identity: speaker for _, identity, speaker in _pairs(folder.root / "utt2spk")}
    # By convention, unknown speakers are written as the ids of the utterances.
    return {} if all(identity == speaker for identity, speaker in speakers.items()) else speakers


def _pairs(path: Path) -> Iterator[tuple[Line, str, str]]:
    """Each non-blank line, its id, and the rest."""
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file: the layout kaldi has {SIGNS}; data.format names another layout"
        )
    for line in read_lines(path):
        if not line.is_blank:
            identity, *rest = line.text.strip().split(None, 1)
            yield line, identity, rest[0] if rest else ""
