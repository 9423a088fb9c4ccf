"""A voice in ONNX speaks as the voice it was made of, and voices published for Piper load as they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from configs import InputError
from tests.voices.export.exported import SHALLOW, rounding, small_voice
from tests.voices.random_voice import seeded, small_config
from voices.export.__main__ import write_onnx
from voices.export.smaller import in_eight_bits, in_sixteen_bits
from voices.importing.onnx_settings import settings_of
from voices.onnx_synthesizer import OnnxFile, load_onnx
from voices.seeded_noise import SeededNoise
from voices.voice_file import VoiceFile

IDS, LENGTHS = torch.tensor([[1, 0, 4, 0, 7, 0, 2]]), torch.tensor([7])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[VoiceFile, Path]:
    voice = small_voice(small_config(model=SHALLOW), speakers=("ann", "bob"), lexicon='{"a": "b"}')
    return voice, write_onnx(voice, tmp_path_factory.mktemp("voice"), "choir")["float32"]


@pytest.fixture(scope="module")
def published(written: tuple[VoiceFile, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as voices are published: only Piper's settings, one output, of four dimensions."""
    model = onnx.load(str(written[1]))
    del model.metadata_props[:]
    del model.graph.output[1]
    audio = next(node for node in model.graph.node if "output" in node.output)
    audio.output[0] = "flat"
    axis = onnx.numpy_helper.from_array(np.array([1]), "axis")
    model.graph.initializer.append(axis)
    model.graph.node.append(onnx.helper.make_node("Unsqueeze", ["flat", "axis"], ["output"]))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    path = tmp_path_factory.mktemp("published") / "choir.onnx"
    onnx.save(model, str(path))
    settings = json.loads(Path(f"{written[1]}.json").read_text())
    settings["phoneme_id_map"] |= {"aɪ": [19], "B": [5]}
    del settings["hop_length"]
    Path(f"{path}.json").write_text(json.dumps(settings))
    return path


@pytest.fixture(scope="module")
def forms(published: Path) -> dict[str, onnx.ModelProto]:
    model = onnx.load(str(published))
    return {"float32": model, "int8": in_eight_bits(model), "float16": in_sixteen_bits(model)}


def say(file: OnnxFile, speaker: int = 1, **how: Any) -> Any:
    speaker_ids = np.array([speaker])
    return file.synthesizer.plan(IDS.numpy(), LENGTHS.numpy(), speaker_ids, noise=SeededNoise(3), **how).decode()


@pytest.mark.parametrize("speaker", [0, 1])
def test_it_says_what_the_voice_says_with_the_same_seed(written: tuple[VoiceFile, Path], speaker: int) -> None:
    voice, path = written
    how: dict[str, Any] = {"noise_scale": 0.5, "duration_noise_scale": 0.9, "speed": 0.5}
    ours = voice.synthesizer.speak(IDS, LENGTHS, torch.tensor([speaker]), generator=seeded(3), **how)
    theirs = say(load_onnx(path), speaker, **how)
    assert np.array_equal(theirs.durations, ours.durations.numpy())
    assert np.array_equal(theirs.audio_lengths, ours.audio_lengths.numpy())
    assert np.abs(theirs.audio - ours.audio.numpy()).max() <= rounding(voice)


def test_everything_the_front_end_needs_comes_with_it(written: tuple[VoiceFile, Path]) -> None:
    voice, path = written
    file = load_onnx(path)
    assert (file.config, file.symbols, file.speakers, file.lexicon) == (
        voice.config,
        voice.symbols,
        voice.speakers,
        voice.lexicon,
    )


def test_a_published_voice_says_the_same_and_tells_its_durations(
    written: tuple[VoiceFile, Path], published: Path
) -> None:
    ours, theirs = (say(load_onnx(path)) for path in (written[1], published))
    assert np.array_equal(theirs.audio, ours.audio)
    assert np.array_equal(theirs.durations, ours.durations)


def test_a_published_voice_is_known_by_pipers_settings(written: tuple[VoiceFile, Path], published: Path) -> None:
    file, voice = load_onnx(published), written[0]
    assert file.config.audio.hop_length == 256
    assert file.config.audio.sample_rate == voice.config.audio.sample_rate
    assert file.config.data.language == "en-us"
    assert file.config.speaking.duration_noise_scale == voice.config.speaking.duration_noise_scale
    assert file.speakers == ("ann", "bob")
    assert file.lexicon is None
    # A symbol of two characters and one whose id is taken cannot be ours.
    assert json.loads(file.symbols) == json.loads(voice.symbols)


def test_what_is_no_voice_is_refused_in_one_sentence(written: tuple[VoiceFile, Path], tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    with pytest.raises(InputError, match=r"a\.onnx: there is no such file"):
        load_onnx(graph)
    graph.write_bytes(b"not a graph")
    with pytest.raises(InputError, match=r"a\.onnx\.json: there is no such file; a voice in ONNX is two"):
        load_onnx(graph)
    Path(f"{graph}.json").write_text("{}")
    with pytest.raises(InputError, match=r"a\.onnx: cannot be loaded as an ONNX graph"):
        load_onnx(graph)
    value = onnx.helper.make_tensor_value_info("x", 1, [1])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "other", [value], [value])), str(graph))
    with pytest.raises(InputError, match=r"has the inputs x, which are not those of a Piper voice"):
        load_onnx(graph)
    truncated = written[1].read_bytes()[:-1000]
    graph.write_bytes(truncated)
    with pytest.raises(InputError, match=r"a\.onnx: "):
        load_onnx(graph)


@pytest.mark.parametrize(
    ("key", "value"), [("num_speakers", None), ("num_speakers", "two"), ("hop_length", "256"), ("hop_length", 0)]
)
def test_settings_that_are_no_numbers_are_named(published: Path, tmp_path: Path, key: str, value: object) -> None:
    copy = tmp_path / published.name
    copy.write_bytes(published.read_bytes())
    settings = json.loads(Path(f"{published}.json").read_text()) | {key: value}
    Path(f"{copy}.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match=rf"\.onnx\.json: {key} = .* is not a whole number above 0"):
        load_onnx(copy)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("config", None, r"its metadata has no parlance_config: export the voice again"),
        ("symbols", None, r"its metadata has no parlance_symbols: export the voice again"),
        ("config", "run dir", r"its metadata is damaged \(Expected '=' .*\): export the voice again"),
        ("config", "[run]\ndir = 3", r"run\.dir = 3: input should be a valid string"),
        ("speakers", "[1]", r"its metadata is damaged \(parlance_\.\.\.\): export"),
        ("speakers", '["a", "b", "c"]', r"has 3 speakers, and the graph 2: it belongs to another voice"),
        ("lexicon", "[", r"its metadata is damaged \(Expecting value.*\): export"),
        ("symbols", '{"_": 0, "a": 20}', r"gives the symbol 'a' the id 20, but the embedding has 20 rows"),
        ("symbols", '{"_": 4}', r"gives the blank '_' the id 4, and here it must be 0"),
    ],
)
def test_our_metadata_that_is_damaged_or_of_another_voice_is_named(
    written: tuple[VoiceFile, Path], key: str, value: str | None, told: str
) -> None:
    model = onnx.load(str(written[1]))
    entries = {entry.key: entry.value for entry in model.metadata_props} | {f"parlance_{key}": value}
    onnx.helper.set_model_props(model, {name: entry for name, entry in entries.items() if entry is not None})
    with pytest.raises(InputError, match=rf"choir\.onnx: {told}"):
        settings_of(written[1], model, {})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"phoneme_id_map": {"_": [0], "a": [20]}},
            r"'a' the id 20, but the embedding has 20 rows: it is the symbol t",
        ),
        ({"phoneme_id_map": {"_": [0], "a": ["1"]}}, r"gives the symbol 'a' the id '1'"),
        ({"phoneme_id_map": {"a": [1]}}, r"gives the blank '_' the id None"),
        ({"phoneme_id_map": {}}, r"has no phoneme_id_map"),
        ({"num_speakers": 3}, r"has 3 speakers, and the graph 2"),
        ({"num_speakers": 10**12}, r"has 1000000000000 speakers, and the graph 2"),
    ],
)
@pytest.mark.parametrize("form", ["float32", "int8", "float16"])
def test_settings_of_another_voice_are_told_by_the_graph_however_it_is_stored(
    published: Path, forms: dict[str, onnx.ModelProto], form: str, change: dict[str, Any], told: str
) -> None:
    beside = json.loads(Path(f"{published}.json").read_text())
    assert settings_of(published, forms[form], beside).speakers == ("ann", "bob")
    with pytest.raises(InputError, match=rf"choir\.onnx\.json: .*{told}"):
        settings_of(published, forms[form], beside | change)
    with pytest.raises(InputError, match=rf"^elsewhere\.json: .*{told}"):
        settings_of(published, forms[form], beside | change, read_from=Path("elsewhere.json"))


def test_ids_of_speakers_that_are_none_are_left_out_and_a_hop_may_be_odd(published: Path) -> None:
    beside = json.loads(Path(f"{published}.json").read_text())
    beside |= {"speaker_id_map": {"ann": [0], "bob": 1, "cy": "x"}, "hop_length": 225}
    found = settings_of(published, onnx.load(str(published)), beside)
    assert found.speakers == ("0", "bob")
    assert found.config.audio.hop_length == 225
