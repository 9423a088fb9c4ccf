"""Tables of recordings: one is written and listed, and its one fault is taken out."""

from collections.abc import Callable
from pathlib import Path

from data.faults import Action, RowFault
from data.layouts import Listing, read_corpus

RecordingsWriter = Callable[..., None]
DROPPED, REPAIRED = Action.DROPPED, Action.REPAIRED


def read(root: Path, *lines: str, layout: str = "auto", metadata: str = "metadata.csv") -> Listing:
    (root / metadata).write_bytes("".join(f"{line}\n" for line in lines).encode())
    return read_corpus(root, layout=layout)


def only(listing: Listing) -> RowFault:
    assert len(listing.faults) == 1, listing.faults
    return listing.faults[0]
