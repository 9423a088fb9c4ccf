"""The embedded corpus, synthesised once per test session and copied from then on."""

import os
import shutil
from pathlib import Path

from filelock import FileLock

from data import embedded

SHARED = "PARLANCE_TESTS_SHARED"  # the environment variable that names a folder of the whole session


def make_embedded_corpus(root: Path) -> Path:
    """As `data.embedded.make_embedded_corpus`, of a folder that does not exist yet."""
    shared = os.environ.get(SHARED)
    if shared is None:
        return embedded.make_embedded_corpus(root)
    with FileLock(Path(shared) / "embedded.lock"):
        made = embedded.make_embedded_corpus(Path(shared) / "embedded")
    return Path(shutil.copytree(made, root))
