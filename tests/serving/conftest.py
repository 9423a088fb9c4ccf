"""Small voices of random weights, and a server of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.voice_list import VoiceList, load_voices
from tests.clients.exported_voice import Exports
from tests.serving.running import Running, running


@pytest.fixture(scope="session")
def voice_folder(tmp_path_factory: pytest.TempPathFactory, exports: Exports) -> Path:
    """Two runs, `reader` and `choir`, and `graph.onnx`, which is the first of them."""
    folder = tmp_path_factory.mktemp("voices")
    for name, decoder in (("reader", "vocos"), ("choir", "choir")):
        (folder / name).mkdir()
        shutil.copy(exports(decoder).file, folder / name)
    for ending in ("", ".json"):
        shutil.copy(f"{exports('vocos').onnx}{ending}", folder / f"graph.onnx{ending}")
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
