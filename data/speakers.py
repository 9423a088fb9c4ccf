"""The order of the speakers of a corpus, which gives each of them an id."""

import re
from collections.abc import Iterable

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,1000}")  # int() refuses more than some thousand digits


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort the speakers of a new voice: as numbers where all of them are whole numbers, else as text.

    The id of a speaker is its place in this order, so speakers 0 to 11 have their own names as ids.
    """
    different = set(names)
    if all(map(_WHOLE_NUMBER.fullmatch, different)):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))
