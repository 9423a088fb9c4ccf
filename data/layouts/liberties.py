"""How a corpus departs from the conventions and was read all the same: a sentence for each way, with a count."""

from enum import Enum


class Liberty(Enum):
    """A way to read what is not to the letter."""

    EXTENSION = "another extension than the recording has"
    CAPITALS = "other capitals than the recording has"
    PATH = "a path from elsewhere"
    FOLDER = "a recording in a folder that was found by looking"
    LINK = "a link that leads out of the folder"


_SENTENCES = {
    Liberty.EXTENSION: "{rows} a recording with another extension than it has ({said} is read from {found})",
    Liberty.CAPITALS: "{rows} a recording with other capital letters than it has ({said} is read from {found})",
    Liberty.PATH: "{rows} a recording by a path from elsewhere ({said} is read from {found})",
    Liberty.FOLDER: "{rows} a recording that was found by looking into every folder ({said} is read from {found})",
}


class Liberties:
    """Counts them."""

    def __init__(self) -> None:
        self._counts: dict[Liberty, int] = {}
        self._first: dict[Liberty, tuple[str, str]] = {}

    def note(self, liberty: Liberty, said: str, found: str) -> None:
        """Count one.

        Args:
            liberty: which.
            said: what a row or a link says.
            found: what was read in its place.
        """
        self._counts[liberty] = self._counts.get(liberty, 0) + 1
        self._first.setdefault(liberty, (said, found))

    def sentences(self) -> tuple[str, ...]:
        """One for each way that was met with, with its first case."""
        return tuple(self._sentence(liberty) for liberty in Liberty if liberty in self._counts)

    def _sentence(self, liberty: Liberty) -> str:
        count, (said, found) = self._counts[liberty], self._first[liberty]
        if liberty is Liberty.LINK:
            what = "1 file is a link" if count == 1 else f"{count} files are links"
            return f"{what} out of the folder ({said} leads to {found}), and followed; data.strict=true refuses it"
        rows = "1 row names" if count == 1 else f"{count} rows name"
        return _SENTENCES[liberty].format(rows=rows, said=said, found=found)
