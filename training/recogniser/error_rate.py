"""The error rate of a recogniser: the edit distance of two sequences, by rapidfuzz (Levenshtein, 1966)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """The fewest edits that turn the reference into what was recognised. Counts of several sentences are added."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    length: int = 0  # of the reference

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float:
        """Edits per symbol of the reference; above 1 with many insertions, NaN where the reference is empty."""
        return self.errors / self.length if self.length else float("nan")


def phoneme_error_rate(said: Sequence[str], recognised: Sequence[str]) -> ErrorCounts:
    """The edits of one sentence, in phonemes or in words; where several ways have as few, one of them."""
    kinds = Counter(edit.tag for edit in Levenshtein.editops(said, recognised))
    return ErrorCounts(kinds["replace"], kinds["insert"], kinds["delete"], len(said))


def total(counts: Iterable[ErrorCounts]) -> ErrorCounts:
    """The counts of several sentences together, in which every symbol has the same weight (micro-average)."""
    return sum(counts, ErrorCounts())
