"""Texts that are each in a file of their own."""

import re
from pathlib import Path

from configs import InputError
from data.findings import Fault
from data.layouts.entries import Flaw
from data.layouts.folder import Folder
from data.layouts.lines import read_lines
from data.layouts.rows import Row

_TIMED = re.compile(r"\s*\d+(\.\d+)?\s+\d+(\.\d+)?\s+\S+\s*$")  # a label of HTS or Audacity: begin, end, sound


def transcribed(
    folder: Folder, identity: str, *, name: str, speaker: str | None, transcript: Path, is_there: bool
) -> Row:
    """The row of one recording.

    Args:
        folder: the corpus.
        identity: id of the recording.
        name: the recording, from inside the folder.
        speaker: who says it; None where nobody is named.
        transcript: the file with the text.
        is_there: whether there is such a file.
    """
    read = (
        folder.follow(transcript) or _read(transcript)
        if is_there
        else Flaw(Fault.EMPTY_TEXT, f"there is no {transcript}")
    )
    if isinstance(read, Flaw):
        return Row(identity, name, "", speaker, read, transcript, 1)
    text, repair = read
    return Row(identity, name, text, speaker, folder.find(name), transcript, 1, repair)


def _read(path: Path) -> tuple[str, str] | Flaw:
    """The text and what was repaired in it; or why there is none."""
    try:
        lines = [line for line in read_lines(path) if not line.is_blank]
    except InputError as error:
        return Flaw(Fault.EMPTY_TEXT, str(error))
    flaw = next((line.flaw for line in lines if line.flaw), None)
    if lines and all(_TIMED.match(line.text) for line in lines):
        return Flaw(Fault.EMPTY_TEXT, f"{path} holds the times of sounds and no text")
    repair = "; ".join(line.repair for line in lines if line.repair)
    return flaw or (" ".join(line.text.strip() for line in lines), repair)
