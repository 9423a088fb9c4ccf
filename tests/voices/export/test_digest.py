"""A graph of ours that was changed in any bit is refused; others, and older ones of ours, are loaded as they are."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from configs import InputError
from tests.voices.export.exported import SHALLOW, small_voice
from tests.voices.random_voice import small_config
from voices.export.__main__ import write_onnx
from voices.export.digest import digest, is_intact, sealed
from voices.onnx_synthesizer import load_onnx

FLIPS = 400


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_onnx(small_voice(small_config(model=SHALLOW)), tmp_path_factory.mktemp("voice"), "reader")["float32"]


def copied(graph: Path, content: bytes, folder: Path) -> Path:
    copy = folder / graph.name
    copy.write_bytes(content)
    Path(f"{copy}.json").write_bytes(Path(f"{graph}.json").read_bytes())
    return copy


def test_every_flipped_bit_is_found_wherever_it_is(graph: Path, tmp_path: Path) -> None:
    content = graph.read_bytes()
    assert is_intact(content)
    drawn = np.random.default_rng(1).integers(0, len(content) * 8, FLIPS)
    digits, mark = content.rfind(b"parlance_sha256"), content.rfind(b"parlance_sealed")
    announced = [*range((digits - 4) * 8, (digits + 81) * 8), *range((mark - 4) * 8, (mark + 18) * 8)]
    for bit in map(int, (*drawn, *announced)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        if is_intact(bytes(damaged)) is not False:  # the graph itself then tells that it should have a digest
            with pytest.raises(InputError, match=r"reader\.onnx: (is damaged|cannot be loaded)"):
                load_onnx(copied(graph, bytes(damaged), tmp_path))


def test_damage_is_told_before_the_graph_is_read(graph: Path, tmp_path: Path) -> None:
    content = bytearray(graph.read_bytes())
    content[0] ^= 0xFF
    with pytest.raises(InputError, match=r"is damaged \(its SHA-256 does not match\): copy it again, or export"):
        load_onnx(copied(graph, bytes(content), tmp_path))


def test_a_graph_without_a_digest_is_loaded_as_before(graph: Path, tmp_path: Path) -> None:
    model = onnx.load(str(graph))
    own = ("parlance_sealed", "parlance_sha256")
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key not in own}
    assert len(kept) == len(model.metadata_props) - 2
    onnx.helper.set_model_props(model, kept)
    older = model.SerializeToString()
    assert is_intact(older) is None
    assert digest(older) == hashlib.sha256(older).hexdigest()
    assert load_onnx(copied(graph, older, tmp_path)).config == load_onnx(graph).config


def test_a_sealed_graph_states_its_own_digest() -> None:
    value = onnx.helper.make_tensor_value_info("x", 1, [1])
    content = sealed(onnx.helper.make_model(onnx.helper.make_graph([], "empty", [value], [value])))
    assert is_intact(content)
    stated = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}["parlance_sha256"]
    assert stated == digest(content)
    assert is_intact(content.replace(stated.encode(), b"0" * 64)) is False
