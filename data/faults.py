"""What can be wrong with a row of a corpus, and what was done about it."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The kinds of faults, by the names under which the report counts them."""

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

    KEPT = "kept"  # unchanged, with a warning
    REPAIRED = "repaired"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a recording, of its text or of its metadata."""

    kind: FaultKind
    detail: str  # the value, and the limit it violates
    action: Action = Action.DROPPED


@dataclass(frozen=True, slots=True)
class RowFault:
    """A fault, and the row of the corpus it is in."""

    id: str  # of the row; empty if it has none
    file: str  # path of the recording, or what the row says if there is no such file
    line: int  # in the metadata file, counted from 1
    kind: FaultKind
    detail: str
    action: Action

    @classmethod
    def of(cls, fault: Fault, *, id: str, file: str, line: int) -> "RowFault":
        """A fault in a row."""
        return cls(id, file, line, fault.kind, fault.detail, fault.action)
