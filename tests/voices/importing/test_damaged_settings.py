"""Whatever stands in the files of a foreign voice: it speaks, or one sentence says why not, and never a traceback."""

import contextlib
import copy
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest
import tomli_w
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from tests.voices.export.exported import small_voice
from tests.voices.importing.foreign_files import original_synthesizer, write_original, write_piper
from tests.voices.importing.test_hugging_face_voices import write_theirs
from tests.voices.random_voice import NUM_SYMBOLS
from text import Lexicon, SymbolTable
from voices.export.__main__ import write_onnx
from voices.importing.onnx_settings import settings_of
from voices.importing.settings_file import read_json
from voices.importing.sources import load_voice_from

SPEAKERS = ("ann", "bob")
_MISSING = object()
_WRONG: tuple[Any, ...] = (
    _MISSING,
    None,
    True,
    0,
    -1,
    5,
    10**30,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "[4",
    [],
    [[]],
    [5],
    [None],
)
_WRONG_OBJECTS: tuple[Any, ...] = ({}, {"x": 5}, {"x": []}, {"a": [10**30]}, {"": 0})
_WRONG_TENSORS = (torch.ones(()), torch.zeros(0, 3), torch.ones(3, 3), torch.ones(178, 16, dtype=torch.cfloat))


@dataclass(frozen=True)
class Part:
    """Something in a voice's files that can be read, spoiled and written back."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    wrong: tuple[Any, ...] = (*_WRONG, *_WRONG_OBJECTS)


@dataclass(frozen=True)
class Format:
    """A voice of some program."""

    parts: tuple[Part, ...]
    use: Callable[[], None]


def places(tree: Any, depth: int = 3) -> Iterator[tuple[Any, ...]]:
    """Where something stands: keys and indices from the outside in."""
    if depth and isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree[:3]):
            yield (key,)
            yield from ((key, *rest) for rest in places(value, depth - 1))


def spoiled(tree: Any, place: tuple[Any, ...], wrong: Any) -> Any:
    """The tree with something else there, or nothing."""
    tree = copy.deepcopy(tree)
    inner = tree
    for key in place[:-1]:
        inner = inner[key]
    if wrong is _MISSING:
        del inner[place[-1]]
    else:
        inner[place[-1]] = wrong
    return tree


def json_file(path: Path) -> Part:
    return Part(lambda: json.loads(path.read_text()), lambda tree: path.write_text(json.dumps(tree)))


def torch_file(path: Path) -> Part:
    return Part(
        lambda: torch.load(path, weights_only=False),
        lambda tree: torch.save(tree, path),
        (*_WRONG, *_WRONG_OBJECTS, *_WRONG_TENSORS),
    )


def metadata(model: onnx.ModelProto) -> Part:
    """The metadata of a graph of ours, opened: settings, symbols, speakers and lexicon as what they are."""
    openers = {"config": tomllib.loads, "symbols": json.loads, "speakers": json.loads, "lexicon": json.loads}

    def read() -> dict[str, Any]:
        entries = {entry.key: entry.value for entry in model.metadata_props}
        own = {key: value for key, value in entries.items() if key.startswith("parlance_")}
        return {key: openers.get(key.removeprefix("parlance_"), str)(value) for key, value in own.items()}

    def write(entries: Mapping[str, Any]) -> None:
        onnx.helper.set_model_props(model, {key: _closed(key, value) for key, value in entries.items()})

    return Part(read, write)


def _closed(key: str, value: Any) -> str:
    with contextlib.suppress(TypeError):  # TOML knows no null
        if key == "parlance_config" and isinstance(value, dict):
            return tomli_w.dumps(value)
    return value if isinstance(value, str) else json.dumps(value)


def speak(path: Path) -> None:
    voice = load_voice_from(path, to_train=True).voice
    ids = SymbolTable.from_json(voice.symbols).encode(list(json.loads(voice.symbols))[-8:]).ids
    who = torch.tensor([len(voice.speakers) - 1]) if voice.speakers else None
    how: Any = {"noise_scale": 0.0, "duration_noise_scale": 0.0}
    assert voice.synthesizer.speak(torch.tensor([ids]), torch.tensor([len(ids)]), who, **how).audio.shape[2] > 0


def read_settings(path: Path, model: onnx.ModelProto) -> None:
    found = settings_of(path, model, read_json(Path(f"{path}.json")))
    assert SymbolTable.from_json(found.symbols).size <= NUM_SYMBOLS
    assert len(found.speakers) <= len(SPEAKERS)
    if found.lexicon is not None:
        Lexicon.from_json(found.lexicon)


@pytest.fixture(scope="module")
def formats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Format]:
    folder = tmp_path_factory.mktemp("voices")
    original = write_original(
        folder / "original",
        original_synthesizer(speakers=2).state_dict(),
        speakers={"ann": 0, "bob": 1},
        symbols=[chr(97 + index) for index in range(178)],
        data={"filter_length": 32, "win_length": 32, "hop_length": 8, "n_mel_channels": 8, "mel_fmin": 0.0},
    )
    piper = write_piper(folder / "piper", original_synthesizer(symbols=20, speakers=2, block=2).state_dict())
    write_theirs(folder / "theirs", speakers=2)
    graph = write_onnx(small_voice(speakers=SPEAKERS, lexicon='{"a": "b"}'), folder / "onnx", "x")["float32"]
    ours, published = onnx.load(str(graph)), onnx.load(str(graph))
    del published.metadata_props[:]
    theirs = [folder / "theirs" / f"{name}.json" for name in ("config", "vocab", "tokenizer_config")]
    return {
        "original": Format(
            (json_file(original.with_name("config.json")), torch_file(original)), lambda: speak(original)
        ),
        "piper": Format((json_file(folder / "piper" / "config.json"), torch_file(piper)), lambda: speak(piper)),
        "transformers": Format(tuple(map(json_file, theirs)), lambda: speak(folder / "theirs")),
        "onnx": Format((metadata(ours),), lambda: read_settings(graph, ours)),
        "published": Format((json_file(Path(f"{graph}.json")),), lambda: read_settings(graph, published)),
    }


@pytest.mark.parametrize("name", ["original", "piper", "transformers", "onnx", "published"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_used_or_refused_in_a_sentence(
    formats: dict[str, Format], name: str, data: st.DataObject
) -> None:
    form = formats[name]
    part = data.draw(st.sampled_from(form.parts))
    tree = part.read()
    place = data.draw(st.sampled_from(list(places(tree))))
    wrong = data.draw(st.sampled_from(part.wrong))
    part.write(spoiled(tree, place, wrong))
    try:
        with contextlib.suppress(InputError):
            form.use()
    finally:
        part.write(tree)
