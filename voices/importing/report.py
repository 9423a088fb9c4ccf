"""A report of every tensor when weights are transferred from one model to another."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

_MOST_EXAMPLES = 3  # tensors of one part that are listed, unless all are asked for


def file_digest(path: Path) -> str | None:
    """The SHA-256 of a file, in hexadecimal; None for a folder."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Fate(StrEnum):
    """What was done with a tensor."""

    COPIED = "copied"  # unchanged, except that its weight norm may be folded
    RESIZED = "resized"  # row by row
    SKIPPED = "skipped"  # in the source only
    NEW = "new"  # in the target only


@dataclass(frozen=True)
class TensorLine:
    """One tensor."""

    name: str  # ours; the source's where it has no counterpart
    fate: Fate
    shape: tuple[int, ...]
    why: str = ""

    @property
    def part(self) -> str:
        """The part of the model it belongs to."""
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "one number"
        return f"{self.fate:8} {self.name} [{shape}]" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True)
class Report:
    """Every tensor, and what was assumed."""

    title: str
    lines: tuple[TensorLine, ...]
    notes: tuple[str, ...] = ()

    def with_notes(self, notes: Iterable[str]) -> "Report":
        """The report with these notes added."""
        return replace(self, notes=(*self.notes, *notes))

    def count(self, fate: Fate) -> int:
        """The number of tensors with this fate."""
        return sum(line.fate == fate for line in self.lines)

    def text(self, *, every_tensor: bool = False) -> str:
        """The printed report: notes, tensors that were not copied, and counts by part."""
        lines = [str(line) for line in self.lines] if every_tensor else list(self._remarkable())
        return "\n".join([self.title, *(f"note: {note}" for note in self.notes), *lines, *self._table()])

    def _remarkable(self) -> Iterator[str]:
        alike = Counter((line.part, line.fate) for line in self.lines)
        listed: Counter[tuple[str, Fate]] = Counter()
        for line in self.lines:
            kind = (line.part, line.fate)
            listed[kind] += 1
            if line.fate is Fate.COPIED or listed[kind] > _MOST_EXAMPLES + 1:
                continue
            if listed[kind] <= _MOST_EXAMPLES:
                yield str(line)
            else:
                yield f"{line.fate:8} {line.part}: and {alike[kind] - _MOST_EXAMPLES} more"

    def _table(self) -> Iterator[str]:
        parts = list(dict.fromkeys(line.part for line in self.lines))
        width = max(len(part) for part in [*parts, "tensors"])
        yield f"{'tensors':{width}}" + "".join(f"{fate:>10}" for fate in Fate)
        for part in parts:
            counts = Counter(line.fate for line in self.lines if line.part == part)
            yield f"{part:{width}}" + "".join(f"{counts[fate]:10}" for fate in Fate)
        yield f"{'all':{width}}" + "".join(f"{self.count(fate):10}" for fate in Fate)
