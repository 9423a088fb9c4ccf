"""The settings of an ONNX voice: from the graph's metadata if it is ours, else from Piper's settings beside it."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from configs import Config, InputError, parse_config
from voices.export import OWN_METADATA
from voices.export.digest import SEALED, is_intact
from voices.importing.alphabet import refuse_unknown_rows
from voices.importing.settings_file import integers, piper_ids, piper_speaking, read_json, section

_INPUTS = {"input", "input_lengths", "scales", "sid"}
_MOST_SPEAKERS = 100_000  # where the graph does not tell the number


@dataclass(frozen=True)
class OnnxSettings:
    """Everything about a voice except its graph."""

    config: Config  # of a voice that is not ours, only the front end and the inference settings
    symbols: str  # the symbol table, as JSON
    speakers: tuple[str, ...]  # empty for a single voice
    lexicon: str | None  # the user's pronunciations of words, as JSON
    step: int  # of training; 0 where it is unknown
    origin: str | None  # of the voice that it was made from


def read_graph(path: Path, settings: Path | None = None) -> tuple[onnx.ModelProto, OnnxSettings]:
    """Read a graph with its settings, which lie beside it if they are not given.

    Raises:
        InputError: there is no such file, it is damaged, or it is not the graph of a VITS voice.
    """
    settings = settings or Path(f"{path}.json")
    for file in (path, settings):
        if not file.is_file():
            raise InputError(f"{file}: there is no such file; a voice in ONNX is two, NAME.onnx and NAME.onnx.json")
    beside = read_json(settings)
    damaged = InputError(f"{path}: is damaged (its SHA-256 does not match): copy it again, or export the voice again")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    intact = is_intact(content)
    if intact is False:
        raise damaged
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's exceptions have no narrower common base
        raise InputError(f"{path}: cannot be loaded as an ONNX graph: {error}") from error
    if intact is None and any(entry.key == SEALED for entry in model.metadata_props):
        raise damaged
    inputs = {value.name for value in model.graph.input}
    if not _INPUTS - {"sid"} <= inputs <= _INPUTS:
        raise InputError(f"{path}: has the inputs {', '.join(sorted(inputs))}, which are not those of a Piper voice")
    return model, settings_of(path, model, beside, read_from=settings)


def settings_of(
    path: Path, model: onnx.ModelProto, beside: Mapping[str, Any], *, read_from: Path | None = None
) -> OnnxSettings:
    """The settings of a graph, checked against it.

    Args:
        path: of the graph, for messages.
        model: the graph.
        beside: Piper's settings, NAME.onnx.json.
        read_from: their file, for messages, where it is not beside the graph.

    Raises:
        InputError: a setting is missing, damaged, or that of another voice.
    """
    own = {
        entry.key.removeprefix(OWN_METADATA): entry.value
        for entry in model.metadata_props
        if entry.key.startswith(OWN_METADATA)
    }
    most = 1
    if any(value.name == "sid" for value in model.graph.input):
        most = _embedding_rows(model, "sid") or _MOST_SPEAKERS
    source = str(path) if own else str(read_from or f"{path}.json")
    settings = _own(path, own, most) if own else _published(path, beside, most, source)
    ids = json.loads(settings.symbols)
    refuse_unknown_rows(ids, rows=_embedding_rows(model, "input"), source=source)
    if ids.get("_") != 0:
        raise InputError(f"{source}: gives the blank '_' the id {ids.get('_')!r}, and here it must be 0")
    return settings


def _own(path: Path, metadata: Mapping[str, str], most_speakers: int) -> OnnxSettings:
    """The settings in the metadata of our exports."""
    try:
        config = parse_config(tomllib.loads(metadata["config"]), source=str(path))
        symbols, speakers = json.loads(metadata["symbols"]), json.loads(metadata["speakers"])
        lexicon = json.loads(metadata.get("lexicon", "{}"))
        step = int(metadata.get("step", "0"))
        kinds = isinstance(symbols, dict), isinstance(speakers, list), isinstance(lexicon, dict)
    except InputError:
        raise
    except KeyError as error:
        raise InputError(
            f"{path}: its metadata has no {OWN_METADATA}{error.args[0]}: export the voice again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its metadata is damaged ({error}): export the voice again") from error
    if not all(kinds) or not all(isinstance(name, str) for name in (*speakers, *lexicon.values())):
        raise InputError(f"{path}: its metadata is damaged ({OWN_METADATA}...): export the voice again")
    _refuse_too_many(len(speakers), most_speakers, str(path))
    return OnnxSettings(
        config, metadata["symbols"], tuple(speakers), metadata.get("lexicon"), step, metadata.get("origin")
    )


def _published(path: Path, settings: Mapping[str, Any], most_speakers: int, source: str) -> OnnxSettings:
    """The settings of a Piper voice, from a JSON file `source`."""
    hop = _number(source, settings, "hop_length", 256)
    count = _number(source, settings, "num_speakers", 1)
    _refuse_too_many(count, most_speakers, source)
    named = {index: name for name, index in integers(settings, "speaker_id_map").items()}
    tree: dict[str, dict[str, Any]] = {
        "run": {"dir": str(path.parent)},
        "data": {
            "root": str(path.parent),
            "language": section(settings, "espeak").get("voice", "en-us"),
            "front_end": "graphemes" if settings.get("phoneme_type") == "text" else "espeak",
        },
        # The architecture is unknown; inference needs only a hop length with settings that fit it.
        "audio": {
            "sample_rate": section(settings, "audio").get("sample_rate", 22050),
            "hop_length": hop,
            "n_fft": 3 * hop,
            "window_length": 3 * hop,
        },
        "decoder": {"upsample_rates": [hop], "upsample_kernel_sizes": [hop]},
        "train": {"segment_samples": 32 * hop},
        "speaking": piper_speaking(settings),
    }
    return OnnxSettings(
        config=parse_config(tree, source=source),
        symbols=json.dumps(_symbols(settings, source), ensure_ascii=False),
        speakers=tuple(named.get(index, str(index)) for index in range(count)) if count > 1 else (),
        lexicon=None,
        step=0,
        origin=None,
    )


def _symbols(settings: Mapping[str, Any], source: str) -> dict[str, int]:
    """Symbols of one character that share their id with no other; our front end cannot use the others."""
    ids: dict[str, int] = {}
    for symbol, index in piper_ids(settings, source)[0].items():
        if index not in ids.values():
            ids[symbol] = index
    return ids


def _refuse_too_many(speakers: int, most: int, source: str) -> None:
    if speakers > most:
        raise InputError(f"{source}: has {speakers} speakers, and the graph {most}: it belongs to another voice")


def _number(source: str, settings: Mapping[str, Any], name: str, usual: int) -> int:
    value = settings.get(name, usual)
    if not isinstance(value, int) or value < 1:
        raise InputError(f"{source}: {name} = {value!r} is not a whole number above 0: take the file that came with it")
    return value


def _embedding_rows(model: onnx.ModelProto, ids: str) -> int | None:
    """Rows of the embedding of this input; None where the graph does not show it."""
    weights = {weight.name: weight for weight in model.graph.initializer}
    makers = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[1] == ids:
            table = node.input[0]
            while table not in weights and table in makers and makers[table].input:  # past the nodes that dequantise it
                table = makers[table].input[0]
            return int(weights[table].dims[0]) if table in weights and weights[table].dims else None
    return None
