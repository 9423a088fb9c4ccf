"""How much of what was said was not heard: edits between two sequences, counted.

Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals" (1966).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """The fewest edits that make what was heard of what was said. Counts of several sentences are added."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    length: int = 0  # of what was said

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.length + other.length,
        )

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float:
        """Edits per symbol said; above 1 where more is heard than said, NaN where nothing was said."""
        return self.errors / self.length if self.length else float("nan")


def phoneme_error_rate(said: Sequence[str], heard: Sequence[str]) -> ErrorCounts:
    """The fewest edits in one sentence, in phonemes or in words; where several ways have as few, one of them.

    Takes time in proportion to the product of the lengths.
    """
    # Each cell: edits, and of them substitutions, insertions, deletions; tuples compare by the edits first.
    row = [(place, 0, place, 0) for place in range(len(heard) + 1)]
    for index, symbol in enumerate(said, start=1):
        before, row = row, [(index, 0, 0, index)]
        for place, other in enumerate(heard, start=1):
            if symbol == other:
                row.append(before[place - 1])
                continue
            edits, substitutions, insertions, deletions = before[place - 1]
            substituted = (edits + 1, substitutions + 1, insertions, deletions)
            edits, substitutions, insertions, deletions = row[-1]
            inserted = (edits + 1, substitutions, insertions + 1, deletions)
            edits, substitutions, insertions, deletions = before[place]
            row.append(min(substituted, inserted, (edits + 1, substitutions, insertions, deletions + 1)))
    _, substitutions, insertions, deletions = row[-1]
    return ErrorCounts(substitutions, insertions, deletions, len(said))


def total(counts: Iterable[ErrorCounts]) -> ErrorCounts:
    """The counts of several sentences together, in which every symbol weighs the same (micro-average)."""
    return sum(counts, ErrorCounts())
