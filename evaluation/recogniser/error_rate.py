"""How much of what was said was not heard: edits between two sequences, counted.

Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals" (1966).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


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
    """The fewest edits in one sentence, in phonemes or in words; where several ways have as few, one of them."""
    kinds = Counter(edit.tag for edit in Levenshtein.editops(said, heard))
    return ErrorCounts(kinds["replace"], kinds["insert"], kinds["delete"], len(said))


def total(counts: Iterable[ErrorCounts]) -> ErrorCounts:
    """The counts of several sentences together, in which every symbol weighs the same (micro-average)."""
    return sum(counts, ErrorCounts())
