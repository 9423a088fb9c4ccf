"""Small voices of random weights, and a server of them."""

from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("av", reason="av is not installed")
pytest.importorskip("piper", reason="piper-tts is not installed")

from serving.voice_list import VoiceList, load_voices
from tests.clients.exported_voice import CHOIR, write_random_voice
from tests.serving.running import Running, running
from voices.export.__main__ import write_onnx
from voices.voice_file import load_voice


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> VoiceList:
    """`reader` in torch, `graph` the same in ONNX, and `choir` of three speakers; all have random weights."""
    folder = tmp_path_factory.mktemp("voices")
    reader = write_random_voice(folder / "reader", "vocos")
    write_random_voice(folder / "choir", "hifigan", speakers=CHOIR)
    write_onnx(load_voice(reader), folder, "graph")
    return load_voices([str(folder / "reader"), str(folder)], "cpu")


@pytest.fixture(scope="session")
def server(voices: VoiceList) -> Iterator[Running]:
    """A server of them with the usual settings."""
    with running(voices) as started:
        yield started
