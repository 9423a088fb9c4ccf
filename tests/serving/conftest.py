"""Small voices of random weights, and a server of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.voice_list import VoiceList, load_voices
from tests.clients.exported_voice import CHOIR, write_random_voice
from tests.serving.running import Running, running
from voices.export.__main__ import write_onnx
from voices.voice_file import load_voice


@pytest.fixture(scope="session")
def voice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, `reader` and `choir`, and `graph.onnx`, which is the first of them."""
    folder = tmp_path_factory.mktemp("voices")
    reader = write_random_voice(folder / "reader", "vocos")
    write_random_voice(folder / "choir", "hifigan", speakers=CHOIR)
    write_onnx(load_voice(reader), folder, "graph")
    return folder


@pytest.fixture(scope="session")
def voices(voice_folder: Path) -> VoiceList:
    """`reader` in torch, `graph` the same in ONNX, and `choir` of three speakers; all have random weights."""
    return load_voices([str(voice_folder / "reader"), str(voice_folder)], "cpu")


@pytest.fixture(scope="session")
def server(voices: VoiceList) -> Iterator[Running]:
    """A server of them with the usual settings."""
    with running(voices) as started:
        yield started
