"""Normalisation rules: a regular expression and the reading of its matches, applied in order, each to the whole text.

Every repetition in a pattern is bounded, or begins where no other match can, so the time is linear in the text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Rule:
    """Replaces every match of a pattern."""

    pattern: str
    read: str | Callable[[re.Match[str]], str]  # as the replacement of `re.sub`

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, compiled when it is first needed: compiling all rules takes 50 ms, and most texts need few."""
        return re.compile(self.pattern)


def apply(rules: Sequence[Rule], text: str) -> str:
    """The text after all rules."""
    for rule in rules:
        text = rule.compiled.sub(rule.read, text)
    return text


def before(match: re.Match[str], most: int = 40) -> str:
    """The text before a match."""
    return match.string[max(0, match.start() - most) : match.start()]


def after(match: re.Match[str], most: int = 40) -> str:
    """The text after a match."""
    return match.string[match.end() : match.end() + most]


def spaced(match: re.Match[str], words: str) -> str:
    """The replacement of a match, with spaces where a letter, digit or bracket would touch it."""
    left, right = before(match, 1), after(match, 1)
    return (" " if left.isalnum() else "") + words + (" " if right.isalnum() or right == "(" else "")
