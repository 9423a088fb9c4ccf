"""transformers' pipeline("text-to-speech") says our voices as we say them."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clients.exported_voice import CHOIR, SENTENCE, ExportedVoice, Exports
from voices.export.hugging_face import export_hugging_face

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")

TOLERANCE = 1e-4


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the network for anything fails."""

    def refuse(_: socket.socket, address: Any) -> None:
        raise AssertionError(f"connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def speaking(exported: ExportedVoice, folder: Path) -> Any:
    """A pipeline of this voice that adds no noise, of the folder that the command wrote, if it did."""
    written = exported.onnx.with_suffix("")
    if not written.is_dir():
        written = folder
        export_hugging_face(exported.voice, folder)
    speak = transformers.pipeline("text-to-speech", model=str(written), device="cpu")
    speak.model.noise_scale = speak.model.noise_scale_duration = 0.0
    return speak


@pytest.mark.parametrize("name", ["hifigan", "choir", "letters", "trained"])
def test_without_noise_transformers_says_what_we_say(exports: Exports, tmp_path: Path, name: str) -> None:
    exported = exports(name)
    speak = speaking(exported, tmp_path)
    sentence = exported.encode(SENTENCE)[0]
    text = "".join(("^", *sentence.symbols, "$"))
    for speaker in range(len(CHOIR) if name == "choir" else 1):
        options = {"forward_params": {"speaker_id": speaker}} if name == "choir" else {}
        speak.tokenizer.add_blank = True
        said = speak(text, **options)
        assert said["sampling_rate"] == exported.sample_rate
        # The tokenizer puts one pad more at both ends.
        ours = exported.say([0, *sentence.ids, 0], speaker=speaker)
        np.testing.assert_allclose(said["audio"], ours, atol=TOLERANCE, rtol=0)

        # With the pads written out, the ids are those that the voice was trained with.
        speak.tokenizer.add_blank = False
        said = speak("_".join(text), **options)
        np.testing.assert_allclose(said["audio"], exported.say(sentence.ids, speaker=speaker), atol=TOLERANCE, rtol=0)
