"""One row of a corpus: a recording, what is said in it, and who says it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of a corpus, as a layout reads it; nothing has been opened or checked but its place."""

    id: str  # unique in the corpus
    text: str
    speaker: str | None  # None where the corpus names none
    audio_path: Path
    file: Path  # the file this row comes from: a metadata file or a transcript
    line: int  # counted from 1

    @property
    def where(self) -> str:
        """File and line, for what is said to the user."""
        return f"{self.file} line {self.line}"
