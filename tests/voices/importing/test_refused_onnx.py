"""A graph that is damaged, or is that of another network, is refused in one sentence or is still a voice."""

import contextlib
import json
import random
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from configs import InputError
from tests.voices.export.exported import small_voice
from tests.voices.importing.test_onnx_voices import IDS
from tests.voices.mutations import mutations
from voices.export.__main__ import write_onnx
from voices.export.smaller import in_eight_bits
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile


def refusal(path: Path) -> str:
    """The sentence with which a voice is refused."""
    with pytest.raises(InputError) as refused:
        load_voice_from(path)
    return str(refused.value)


def changed(graph: Path, folder: Path, change: Any) -> Path:
    """A copy of a voice in ONNX with a change made to its graph."""
    model = onnx.load(str(graph))
    change(model)
    copy = folder / "changed.onnx"
    copy.write_bytes(model.SerializeToString())
    Path(f"{copy}.json").write_text(Path(f"{graph}.json").read_text())
    return copy


@pytest.mark.parametrize("whose", ["ours", "published"])
def test_a_graph_of_integers_is_refused(request: pytest.FixtureRequest, tmp_path: Path, whose: str) -> None:
    graph = request.getfixturevalue(whose)
    copy = tmp_path / "small.onnx"
    onnx.save(in_eight_bits(onnx.load(str(graph))), str(copy))
    Path(f"{copy}.json").write_text(Path(f"{graph}.json").read_text())
    assert refusal(copy) == (
        f"{copy}: its weights were rounded to 8 bits, which cannot be trained on: take the graph in float32"
    )


def test_the_graph_of_another_network_is_refused(tmp_path: Path, published: Path) -> None:
    class Other(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv1d(1, 4, 3)

        def forward(self, ids: torch.Tensor, lengths: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
            audio: torch.Tensor = self.layer(ids[:, None].float() * scales[0] + lengths)
            return audio

    path = tmp_path / "other.onnx"
    torch.onnx.export(
        Other(),
        (torch.ones(1, 9, dtype=torch.long), torch.tensor([9]), torch.ones(3)),
        str(path),
        dynamo=False,
        input_names=["input", "input_lengths", "scales"],
    )
    Path(f"{path}.json").write_text(Path(f"{published}.json").read_text())
    assert f"{path}: is not a VITS voice" in refusal(path)


def test_a_graph_whose_parameters_have_no_names_is_refused(tmp_path: Path, published: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        numbers = {weight.name: f"w{index}" for index, weight in enumerate(model.graph.initializer)}
        for weight in model.graph.initializer:
            weight.name = numbers[weight.name]
        for node in model.graph.node:
            node.name = ""
            for place, name in enumerate(node.input):
                node.input[place] = numbers.get(name, name)

    sentence = refusal(changed(published, tmp_path, rename))
    assert "is not a VITS voice with a HiFi-GAN decoder: it has no tensor enc_p.emb.weight" in sentence


@pytest.mark.parametrize("whose", ["ours", "published"])
def test_a_missing_tensor_is_named(request: pytest.FixtureRequest, tmp_path: Path, whose: str) -> None:
    name = {"ours": "synthesizer.text_encoder.statistics.bias", "published": "enc_p.proj.weight"}[whose]

    def remove(model: onnx.ModelProto) -> None:
        kept = [weight for weight in model.graph.initializer if weight.name != name]
        assert len(kept) == len(model.graph.initializer) - 1
        del model.graph.initializer[:]
        model.graph.initializer.extend(kept)

    sentence = refusal(changed(request.getfixturevalue(whose), tmp_path, remove))
    assert name.removeprefix("synthesizer.") in sentence
    assert len(sentence.splitlines()) == 1


def damages(graph: Path, count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many copies of a graph, each with a node, a weight, an attribute or a byte damaged; and what was done."""
    chance, content = random.Random(seed), graph.read_bytes()
    kinds = ("rename", "shape", "type", "nan", "node", "attributes", "ints", "input", "flip", "cut", "rows")
    for _ in range(count):
        model = onnx.load_from_string(content)
        weight = chance.choice(model.graph.initializer)
        node = chance.choice([node for node in model.graph.node if node.attribute])
        kind = chance.choice(kinds)
        told = f"{kind} {node.name if kind in ('node', 'attributes', 'input') else weight.name}"
        if kind == "rename":
            weight.name = chance.choice(
                ("", ".", "enc_p.emb.weight", "dec.resblocks.999.convs.0.weight", weight.name[1:])
            )
        elif kind == "shape":
            values = numpy_helper.to_array(weight)
            weight.CopyFrom(numpy_helper.from_array(values.reshape(1, *values.shape), weight.name))
        elif kind == "rows":
            values = numpy_helper.to_array(weight)
            weight.CopyFrom(numpy_helper.from_array(values[:-1] if values.ndim else values, weight.name))
        elif kind == "type":
            weight.data_type = chance.choice((0, 1, 3, 7, 10, 11, 99))
        elif kind == "nan":
            values = np.full_like(numpy_helper.to_array(weight).astype(np.float32), np.nan)
            weight.CopyFrom(numpy_helper.from_array(values, weight.name))
        elif kind == "node":
            node.op_type, node.name = "Exp", chance.choice(("", "/", "/dec/ups.0/Exp"))
        elif kind in ("attributes", "ints"):
            del (node.attribute if kind == "attributes" else node.attribute[0].ints)[:]
        elif kind == "input":
            del node.input[:]
        damaged = bytearray(model.SerializeToString())
        if kind == "flip":
            place = chance.randrange(len(damaged))
            damaged[place] ^= 1 << chance.randrange(8)
            told = f"flip {place}"
        elif kind == "cut":
            told = f"cut {chance.randrange(len(damaged))}"
            del damaged[int(told.split()[1]) :]
        yield told, bytes(damaged)


def read(path: Path, told: str) -> VoiceFile | None:
    """A voice that may be damaged; None where it is refused in one sentence that names one of its files."""
    try:
        return load_voice_from(path).voice
    except InputError as error:
        sentence = str(error)
    except Exception as error:
        raise AssertionError(told) from error
    assert sentence.startswith(str(path.parent)), told
    assert len(sentence.splitlines()) == 1, told
    return None


@pytest.mark.parametrize("whose", ["ours", "published"])
def test_a_damaged_graph_is_refused_in_one_sentence_or_still_a_voice(
    request: pytest.FixtureRequest, tmp_path: Path, whose: str
) -> None:
    graph = request.getfixturevalue(whose)
    path = tmp_path / "damaged.onnx"
    Path(f"{path}.json").write_text(Path(f"{graph}.json").read_text())
    refused = 0
    for told, content in damages(graph, 40, seed=4):
        path.write_bytes(content)
        voice = read(path, told)
        refused += voice is None
        if voice is not None:
            speaker = torch.tensor([0]) if voice.speakers else None
            said = voice.synthesizer.speak(torch.tensor([IDS]), torch.tensor([len(IDS)]), speaker)
            assert torch.isfinite(said.audio).all(), told
    assert refused > 10


def test_damaged_settings_beside_a_graph_are_refused_in_one_sentence_or_still_a_voice(
    tmp_path: Path, published: Path
) -> None:
    path = tmp_path / "voice.onnx"
    path.write_bytes(published.read_bytes())
    tree = json.loads(Path(f"{published}.json").read_text())
    refused = 0
    for told, damaged in mutations(tree, 30, seed=5):
        with contextlib.suppress(TypeError):  # a tensor is not JSON
            Path(f"{path}.json").write_text(json.dumps(damaged))
            refused += read(path, told) is None
    assert refused > 5


def test_our_own_damaged_metadata_is_refused_in_one_sentence_or_still_a_voice(tmp_path: Path, ours: Path) -> None:
    tree = {entry.key: entry.value for entry in onnx.load(str(ours)).metadata_props}
    tree = {key: value for key, value in tree.items() if key.startswith("parlance_")}
    refused = 0
    for told, damaged in mutations(tree, 20, seed=6, depth=1):
        texts = {key: str(value) for key, value in damaged.items() if value is not None}
        path = changed(ours, tmp_path, partial(onnx.helper.set_model_props, dict_value=texts))
        refused += read(path, told) is None
    assert refused > 5


def test_the_sentence_of_a_truncated_export_tells_that_it_is_damaged(tmp_path: Path) -> None:
    graph = write_onnx(small_voice(), tmp_path, "reader")["float32"]
    graph.write_bytes(graph.read_bytes()[:-7])
    assert re.search(r"reader\.onnx: (is damaged|cannot be loaded)", refusal(graph))
