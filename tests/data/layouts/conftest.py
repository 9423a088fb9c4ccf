"""Recordings to list: a few samples each, for nothing here opens them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

RecordingsWriter = Callable[..., None]


@pytest.fixture
def record(tmp_path: Path) -> RecordingsWriter:
    """`record("wavs/a.wav", ...)` writes recordings into `tmp_path`, and the folders they are in."""

    def write(*names: str) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            file_format = {"opus": "OGG", "ogg": "OGG"}.get(path.suffix[1:].lower(), path.suffix[1:].upper())
            soundfile.write(path, np.zeros(480), 48000, format=file_format)

    return write
