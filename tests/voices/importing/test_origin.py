"""Where a voice comes from, and its licence, stay with it: imported, trained on from, resumed and exported."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.voices.export.exported import small_voice
from tests.voices.importing.foreign_files import original_synthesizer, write_original, write_piper
from voices.export.__main__ import write_onnx
from voices.export.hugging_face import export_hugging_face
from voices.importing.__main__ import main
from voices.importing.origin import derived_origin, published_origin
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile, load_voice

CARD = "# Model card for ann (medium)\n\n* License: CC0\n"


def saved(voice: VoiceFile, path: Path, origin: str | None) -> Path:
    replace(voice, origin=origin).save(path)
    return path


def test_a_card_beside_a_checkpoint_is_kept_in_the_voice_and_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_original(tmp_path, original_synthesizer().state_dict())
    (tmp_path / "MODEL_CARD").write_text(CARD)
    voice = tmp_path / "voice.safetensors"
    monkeypatch.setattr("sys.argv", ["importing", "--from", str(path), "-o", str(voice)])
    assert main() == 0
    assert load_voice(voice).origin == CARD.strip()
    assert "             * License: CC0\n" in capsys.readouterr().out


def test_a_voice_without_a_card_says_that_its_licence_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_original(tmp_path, original_synthesizer().state_dict())
    monkeypatch.setattr("sys.argv", ["importing", "--from", str(path), "-o", str(tmp_path / "voice.safetensors")])
    assert main() == 0
    assert "nothing about its origin or licence is beside it" in capsys.readouterr().out
    assert load_voice(tmp_path / "voice.safetensors").origin is None


def test_the_licence_of_settings_and_of_a_hugging_face_readme_is_found(tmp_path: Path) -> None:
    checkpoint = write_piper(tmp_path / "piper", original_synthesizer(symbols=20, block=2).state_dict())
    settings = tmp_path / "piper" / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"license": "CC BY 4.0"}))
    assert load_voice_from(checkpoint, settings=settings).voice.origin == "license: CC BY 4.0"
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "README.md").write_text("---\ntags: [vits]\nlicense: cc-by-nc-4.0\nlanguage: en\n---\n\nlicense: no\n")
    assert published_origin(folder) == "license: cc-by-nc-4.0"
    (folder / "MODEL_CARD").write_text(CARD)
    assert published_origin(folder) == CARD.strip()


def test_a_damaged_card_is_text_of_a_bounded_length(tmp_path: Path) -> None:
    (tmp_path / "MODEL_CARD").write_bytes(b"\xff\0" + 200_000 * b"a")
    (tmp_path / "config.json").write_text("[1, 2")
    (tmp_path / "README.md").mkdir()
    origin = published_origin(tmp_path / "voice.onnx")
    assert origin is not None
    assert origin.startswith("\ufffda")
    assert len(origin) < 70_000
    assert origin.endswith("\n...")
    (tmp_path / "reader.onnx.json").write_text('{"origin": "half \\ud800 a character"}')
    assert published_origin(tmp_path / "reader.onnx") == "half ? a character"


def test_an_export_keeps_the_origin_in_the_graph_and_beside_it_and_an_import_finds_it(tmp_path: Path) -> None:
    voice = load_voice(saved(small_voice(), tmp_path / "voice.safetensors", "made from another\n\nCC0"))
    graph = write_onnx(voice, tmp_path, "reader")["float32"]
    metadata = {entry.key: entry.value for entry in onnx.load(str(graph)).metadata_props}
    assert metadata["parlance_origin"] == "made from another\n\nCC0"
    assert json.loads(Path(f"{graph}.json").read_text())["origin"] == "made from another\n\nCC0"
    assert load_voice_from(graph).voice.origin == "made from another\n\nCC0"
    export_hugging_face(voice, tmp_path / "hub")
    assert load_voice_from(tmp_path / "hub").voice.origin == "made from another\n\nCC0"
    assert "made from another" in (tmp_path / "hub" / "README.md").read_text()


def test_a_voice_made_from_another_names_it_with_its_hash_and_its_own_origin(tmp_path: Path) -> None:
    path = tmp_path / "ann.onnx"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert derived_origin(path, CARD) == f"made from ann.onnx (SHA-256 {digest}), which says of itself:\n\n{CARD}"
    assert derived_origin(path, None, ("flow", "decoder")) == (
        f"made from ann.onnx (SHA-256 {digest}), of which it took flow, decoder, which says nothing of its origin and "
        "licence"
    )
    assert str(tmp_path) not in derived_origin(tmp_path / "runs" / "ann" / "voice.safetensors", None)
