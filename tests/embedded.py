"""The embedded corpus, synthesised once per test session and copied from then on."""

import shutil
from pathlib import Path

from filelock import FileLock

from data import embedded
from tests.shared_folder import shared_folder


def make_embedded_corpus(root: Path, clips: int | None = None) -> Path:
    """As `data.embedded.make_embedded_corpus`, of a folder that does not exist yet; only its first clips are listed."""
    shared = shared_folder()
    if shared is None:
        embedded.make_embedded_corpus(root)
    else:
        with FileLock(shared / "embedded.lock"):
            made = embedded.make_embedded_corpus(shared / "embedded")
        shutil.copytree(made, root)
    if clips is not None:
        rows = (root / "metadata.csv").read_text().splitlines(keepends=True)
        (root / "metadata.csv").write_text("".join(rows[:clips]))
    return root
