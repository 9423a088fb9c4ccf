"""Which speaker of a voice is asked for: by name, by a name that differs only in case, or by id."""

import difflib
import re
import unicodedata
from collections.abc import Sequence

from configs import InputError

_ID = re.compile(r"[0-9]{1,9}")
_MOST_NAMES = 12  # that a message lists


def find_speaker(asked: str | int, speakers: Sequence[str]) -> tuple[int, str]:
    """Find a speaker of a voice.

    Args:
        asked: a name; the same but for case or blanks, where only one speaker has such a name; or an id from 0, where
            no speaker has that name.
        speakers: names by id; empty for a single voice, whose only id is 0.

    Returns:
        The id, and a sentence that says who was taken where that is not the exact name; else an empty one.

    Raises:
        InputError: the voice has no such speaker, or several whose names differ only in case.
    """
    name = str(asked)
    if name in speakers:
        return speakers.index(name), ""
    alike = [index for index, known in enumerate(speakers) if _folded(known) == _folded(name)]
    if len(alike) == 1:
        return alike[0], f"this voice has no speaker {name!r}: {speakers[alike[0]]!r} is taken"
    if alike:
        several = ", ".join(repr(speakers[index]) for index in alike)
        raise InputError(f"this voice has no speaker {name!r}, but {several}: give one of these names exactly")
    number = name.strip()
    if _ID.fullmatch(number) and int(number) < max(1, len(speakers)):
        index = int(number)
        who = repr(speakers[index]) if speakers else "its only one"
        return index, f"no speaker is called {name!r}: {number} is taken as an id, that of {who}"
    raise InputError(f"this voice has no speaker {name!r}; it has {_known(name, speakers)}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _known(name: str, speakers: Sequence[str]) -> str:
    if not speakers:
        return "nobody by name, it has one speaker"
    if len(speakers) <= _MOST_NAMES:
        return ", ".join(speakers)
    near = difflib.get_close_matches(name, speakers, n=3, cutoff=0.0)
    return f"{len(speakers)} speakers, with the ids 0 to {len(speakers) - 1}; the nearest names are {', '.join(near)}"
