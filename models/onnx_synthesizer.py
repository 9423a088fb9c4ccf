"""A voice from an ONNX graph: what `python -m models.export` wrote, or any voice that was published for Piper.

Of ours, the whole front end is in the graph's metadata; of others, Piper's settings beside it say what we need.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from configs import Config, InputError, parse_config
from models.export import OWN_METADATA, needing_onnx
from models.importing.json_file import read_json, section
from models.synthesizer import Speech

if TYPE_CHECKING:
    import onnx

    from models.export.noise import Stages

_INPUTS = {"input", "input_lengths", "scales", "sid"}


@dataclass(frozen=True)
class OnnxFile:
    """What a graph and its settings hold."""

    config: Config  # of a voice that is not ours, only how it reads and speaks
    synthesizer: "OnnxSynthesizer"
    symbols: str  # the symbol table, as its JSON
    speakers: tuple[str, ...]  # empty for a single voice
    lexicon: str | None = None  # how the user wants single words read, as its JSON


class OnnxSynthesizer:
    """Speaks as `Synthesizer` does, in ONNX Runtime; the same seed draws the same noise.

    Args:
        stages: the graph.
        hop_length: samples of each frame.
    """

    def __init__(self, stages: "Stages", hop_length: int) -> None:
        self._stages, self.hop_length = stages, hop_length

    def speak(
        self,
        phoneme_ids: Tensor,
        phoneme_lengths: Tensor,
        speaker_ids: Tensor | None = None,
        *,
        noise_scale: float = 0.667,
        duration_noise_scale: float = 0.8,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Speech:
        """Speak phonemes; arguments and result are those of `Synthesizer.speak`, on the CPU."""
        feeds = {
            "input": phoneme_ids.numpy(),
            "input_lengths": phoneme_lengths.numpy(),
            "scales": np.array([noise_scale, 1 / speed, duration_noise_scale], dtype=np.float32),
        }
        if "sid" in self._stages.inputs:
            who = torch.zeros_like(phoneme_lengths) if speaker_ids is None else speaker_ids
            feeds["sid"] = who.numpy()
        made = self._stages.run(feeds, generator, audible=(duration_noise_scale > 0, noise_scale > 0))
        audio, durations = (torch.from_numpy(made[name]) for name in self._stages.outputs[:2])
        durations = durations.reshape(phoneme_ids.shape).long()
        samples = durations.sum(dim=1).clamp(min=1) * self.hop_length
        return Speech(audio.reshape(len(phoneme_ids), 1, -1), samples, durations)


def load_onnx(path: Path) -> OnnxFile:
    """Load a graph and the settings beside it.

    Raises:
        InputError: onnx is not installed, there is no such file, or it is not the graph of a VITS voice.
    """
    for file in (path, Path(f"{path}.json")):
        if not file.is_file():
            raise InputError(f"{file}: there is no such file; a voice in ONNX is two, NAME.onnx and NAME.onnx.json")
    settings = read_json(Path(f"{path}.json"))
    with needing_onnx():
        import onnx

        from models.export.noise import Stages
    try:
        model = onnx.load(str(path))
        _check_kind(path, model)
        stages = Stages(model, threads=torch.get_num_threads())
    except InputError:
        raise
    except Exception as error:  # protobuf's and ONNX Runtime's have no other common ancestor
        raise InputError(f"{path}: cannot be loaded as an ONNX graph: {error}") from error
    own = {
        prop.key.removeprefix(OWN_METADATA): prop.value
        for prop in model.metadata_props
        if prop.key.startswith(OWN_METADATA)
    }
    if own:
        config = parse_config(tomllib.loads(own["config"]), source=str(path))
        symbols, speakers = own["symbols"], tuple(json.loads(own["speakers"]))
    else:
        config, symbols = _foreign_config(path, settings), _symbols(settings)
        speakers = _speakers(settings, _number(path, settings, "num_speakers", 1))
    synthesizer = OnnxSynthesizer(stages, config.audio.hop_length)
    return OnnxFile(config, synthesizer, symbols, speakers, own.get("lexicon"))


def _check_kind(path: Path, model: "onnx.ModelProto") -> None:
    """See that it is a voice, and that its durations are its second output.

    Published voices give the audio alone; their durations are the one value that is rounded up.
    """
    inputs = {value.name for value in model.graph.input}
    if not _INPUTS - {"sid"} <= inputs <= _INPUTS:
        raise InputError(f"{path}: has the inputs {', '.join(sorted(inputs))}, which are not those of a Piper voice")
    if len(model.graph.output) > 1:
        return
    rounded = [node.output[0] for node in model.graph.node if node.op_type == "Ceil"]
    if len(rounded) != 1:
        raise InputError(f"{path}: is not the graph of a VITS voice: it rounds {len(rounded)} values up, not one")
    output = model.graph.output.add()
    output.name = rounded[0]
    output.type.tensor_type.elem_type = 1  # float32


def _foreign_config(path: Path, settings: dict[str, Any]) -> Config:
    audio, inference = section(settings, "audio"), section(settings, "inference")
    hop = _number(path, settings, "hop_length", 256)
    length_scale = inference.get("length_scale")
    tree: dict[str, dict[str, Any]] = {
        "run": {"dir": str(path.parent)},
        "data": {
            "root": str(path.parent),
            "language": section(settings, "espeak").get("voice", "en-us"),
            "front_end": "graphemes" if settings.get("phoneme_type") == "text" else "espeak",
        },
        # What the graph was made of is not told. A hop that fits its settings is all that is needed to speak.
        "audio": {
            "sample_rate": audio.get("sample_rate", 22050),
            "hop_length": hop,
            "n_fft": 4 * hop,
            "window_length": 4 * hop,
        },
        "decoder": {"kind": "vocos", "istft_n_fft": 4 * hop},
        "train": {"segment_samples": 32 * hop},
        "speaking": {
            "noise_scale": inference.get("noise_scale", 0.667),
            "duration_noise_scale": inference.get("noise_w", 0.8),
            "speed": 1 / length_scale if isinstance(length_scale, (int, float)) and length_scale > 0 else 1.0,
        },
    }
    return parse_config(tree, source=f"{path}.json")


def _symbols(settings: Mapping[str, Any]) -> str:
    """Symbols of one character with an id of their own; the others a front end of ours cannot speak with."""
    ids: dict[str, int] = {}
    for symbol, rows in section(dict(settings), "phoneme_id_map").items():
        if len(symbol) == 1 and isinstance(rows, list) and len(rows) == 1 and rows[0] not in ids.values():
            ids[symbol] = rows[0]
    return json.dumps(ids, ensure_ascii=False)


def _speakers(settings: Mapping[str, Any], count: int) -> tuple[str, ...]:
    if count < 2:
        return ()
    names = {index: name for name, index in section(dict(settings), "speaker_id_map").items()}
    return tuple(names.get(index, str(index)) for index in range(count))


def _number(path: Path, settings: Mapping[str, Any], name: str, usual: int) -> int:
    value = settings.get(name, usual)
    if not isinstance(value, int) or value < 1:
        raise InputError(
            f"{path}.json: {name} = {value!r} is not a whole number above 0: take the file that came with it"
        )
    return value
