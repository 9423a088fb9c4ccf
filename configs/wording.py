"""Texts and lists of any length in a message."""

from collections.abc import Iterable


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, the last of them an ellipsis where it is cut."""
    return text if len(text) <= most else f"{text[: max(0, most - 1)]}…"


def without_middle(text: str, most: int) -> str:
    """A text of at most so many characters, cut in its middle, so that names that begin alike stay apart."""
    end = (most - 1) * 2 // 3
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def listed(names: Iterable[str], most: int, separator: str = ", ") -> str:
    """The first names, and how many more there are: "a, b and 3 more"."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return separator.join(every[:most]) + more
