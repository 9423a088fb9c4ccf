"""A reading rule: what to look for, and how it is read. Rules are tried in order, each over the whole text.

Patterns bound every repetition or begin where no other match can, so that the time stays in proportion to the text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Every match of the pattern becomes what `read` says."""

    pattern: re.Pattern[str]
    read: str | Callable[[re.Match[str]], str]


def apply(rules: Sequence[Rule], text: str) -> str:
    """The text after all rules."""
    for rule in rules:
        text = rule.pattern.sub(rule.read, text)
    return text


def before(match: re.Match[str], most: int = 40) -> str:
    """What stands just before a match."""
    return match.string[max(0, match.start() - most) : match.start()]


def after(match: re.Match[str], most: int = 40) -> str:
    """What stands just after a match."""
    return match.string[match.end() : match.end() + most]


def spaced(match: re.Match[str], words: str) -> str:
    """Words in the place of a match, with a space where a letter, digit or bracket would touch them."""
    left, right = before(match, 1), after(match, 1)
    return (" " if left.isalnum() else "") + words + (" " if right.isalnum() or right == "(" else "")
