"""A folder of the whole test session, for what is made once and used by all of its processes."""

import os
import shutil
import tempfile
from pathlib import Path

SHARED = "PARLANCE_TESTS_SHARED"  # the environment variable that names it


def shared_folder() -> Path | None:
    """The folder; None outside of a test session."""
    return Path(os.environ[SHARED]) if SHARED in os.environ else None


def make_shared_folder() -> None:
    """Make it for this process and those that it starts."""
    os.environ[SHARED] = tempfile.mkdtemp(prefix="parlance-tests-")


def remove_shared_folder() -> None:
    """Remove it."""
    shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)
