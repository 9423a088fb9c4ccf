"""What can be wrong with a row of a corpus, and what was done about it."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """The classes of bad rows."""

    MISSING_FILE = "missing file"
    DIRECTORY = "directory"
    EMPTY_FILE = "empty file"
    GARBAGE = "garbage"
    HTML = "HTML saved as wav"
    HEADER_ONLY = "header only"
    TRUNCATED = "truncated"
    NOT_FINITE = "NaN or Inf samples"
    ZERO_SAMPLES = "zero samples"
    DIGITAL_SILENCE = "digital silence"
    NEAR_SILENCE = "near silence"
    CLIPPED = "clipped"
    DC_OFFSET = "DC offset"
    STEREO = "stereo"
    OTHER_RATE = "other sample rate"
    RATE_ZERO = "rate 0"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    CHARACTER_RATE = "characters per second out of range"
    DUPLICATE_ID = "duplicate id"
    PATH_ESCAPE = "path escape"
    EMPTY_TEXT = "empty text"
    UNKNOWN_SYMBOLS = "unknown symbols"
    MARKUP = "markup in the text"
    ENCODING = "BOM or CRLF or non-UTF-8"
    COLUMNS = "wrong number of columns"
    UNEXAMINED = "cannot be examined"


class Action(StrEnum):
    """What was done with the row."""

    KEPT = "kept"  # as it is, with a warning
    REPAIRED = "repaired"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one row."""

    id: str  # of the row; empty where the row has none
    file: str  # the recording, or where it has no file yet, what the row says
    line: int  # in the metadata file, counted from 1
    fault: Fault
    detail: str  # the value, and the bound it breaks
    action: Action
