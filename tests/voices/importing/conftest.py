"""Graphs that several tests of importing read."""

from pathlib import Path

import onnx
import pytest

from tests.voices.export.exported import SHALLOW, small_voice
from tests.voices.importing.foreign_files import original_synthesizer, write_piper_onnx
from tests.voices.random_voice import small_config
from voices.export.__main__ import write_onnx


def without_seal(graph: Path) -> Path:
    """The same graph without its SHA-256, so that it can be changed."""
    model = onnx.load(str(graph))
    kept = [entry for entry in model.metadata_props if entry.key not in ("parlance_sha256", "parlance_sealed")]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    open_graph = graph.with_name("open.onnx")
    onnx.save(model, str(open_graph))
    Path(f"{open_graph}.json").write_text(Path(f"{graph}.json").read_text())
    return open_graph


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    voice = small_voice(small_config(model=SHALLOW), speakers=("ann", "bob"), lexicon='{"a": "b"}')
    return without_seal(write_onnx(voice, tmp_path_factory.mktemp("ours"), "choir")["float32"])


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_piper_onnx(tmp_path_factory.mktemp("published"), original_synthesizer(symbols=20, block=2))
