"""Checkpoints of the original repository (`G_400000.pth`) and of Piper's trainer (`.ckpt`): same tensor names."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from configs import InputError
from voices.importing.alphabet import published_ids
from voices.importing.assembly import Description, Discriminators, Imported, SourceWeights, assemble
from voices.importing.names import original_name
from voices.importing.settings_file import integers, piper_ids, piper_speaking, read_json, section
from voices.importing.torch_file import read_torch_file, tensors_of

_PARTS = ("enc_p.", "enc_q.", "dec.", "flow.", "dp.", "emb_g.")
_FOLDERS_UP = 4  # Lightning writes checkpoints into TRAINING/lightning_logs/version_0/checkpoints

# The tensors of a sub-discriminator, theirs to ours; the sub-discriminators themselves are in the same order.
_DISCRIMINATORS = (
    (r"^convs\.", "layers."),
    (r"^conv_post\.", "output."),
    (r"weight_g$", "parametrizations.weight.original0"),
    (r"weight_v$", "parametrizations.weight.original1"),
)
_DISCRIMINATOR_NAMES = ("scale_1", "period_2", "period_3", "period_5", "period_7", "period_11")


def read_original(path: Path, state: Mapping[str, Any], *, settings: Path | None, to_train: bool) -> Imported:
    """Read a voice of the original repository.

    Args:
        path: the checkpoint.
        state: its content; a checkpoint that was made smaller may be the weights alone.
        settings: its config.json; None looks beside it.
        to_train: whether to read its discriminators, which are in another file beside it.

    Raises:
        InputError: it cannot be imported; the message says why.
    """
    tensors = tensors_of(state["model"] if isinstance(state.get("model"), Mapping) else state)
    beside = settings or path.parent / "config.json"
    tree = read_json(beside) if settings is not None or beside.is_file() else None
    weights = _synthesizer(tensors, str(path))
    data, model = section(tree or {}, "data"), section(tree or {}, "model")
    if data.get("add_blank") is False:
        raise InputError(
            f"{beside}: data.add_blank is false: {path.name} was trained without blanks between symbols, which is not "
            "supported"
        )
    notes = []
    if tree is None:
        notes.append(f"there is no {beside}: 22050 Hz and US English are assumed, as in the published LJSpeech voice")
    front_end = "espeak"
    cleaners = data.get("text_cleaners") or []
    cleaners = cleaners if isinstance(cleaners, list) else [cleaners]
    if tree is not None and not any(str(cleaner).startswith("english") for cleaner in cleaners):
        front_end = "graphemes"
        notes.append(
            f"its texts were cleaned by {', '.join(map(str, cleaners)) or 'nothing that is known'}, which is not "
            "supported: give its symbols in [[ ]], or a text that is written with them"
        )
    discriminators = _discriminators_beside(path, notes) if to_train else None
    description = Description(
        title="original VITS",
        source=str(path),
        ids=_ids(tree or {}, weights, beside),
        settings={
            "audio": _audio(data, rate=data.get("sampling_rate"), bands=data.get("n_mel_channels")),
            "decoder": _decoder(model),
            "data": {"language": "en-us", "front_end": front_end},
        },
        speakers=_speakers(tree or {}),
        step=_step(state.get("iteration")),
        notes=tuple(notes),
        parts=_PARTS,
    )
    return assemble(weights, description, discriminators=discriminators)


def read_piper(path: Path, state: Mapping[str, Any], *, settings: Path | None, to_train: bool) -> Imported:
    """Read a voice that Piper trained.

    Args:
        path: the checkpoint, of Lightning.
        state: its content.
        settings: the config.json that Piper writes for a voice; None looks beside it and in the folders above.
        to_train: whether to read its discriminators.

    Raises:
        InputError: it cannot be imported; the message says why.
    """
    settings = settings or _find_piper_settings(path)
    description = piper_description(
        settings,
        title="Piper checkpoint",
        source=path,
        parameters=section(dict(state), "hyper_parameters"),
        step=_step(state.get("global_step")),
    )
    tensors = tensors_of(state["state_dict"])
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith("model_g.")}
    discriminators = original_discriminators(tensors_of(tensors, "model_d.")) if to_train else None
    weights = _synthesizer(tensors_of(tensors, "model_g."), str(path))
    return assemble(weights, description, skipped=others, discriminators=discriminators)


def piper_description(
    settings: Path, *, title: str, source: Path, parameters: Mapping[str, Any], step: int = 0
) -> Description:
    """Everything about a voice of Piper's except its weights.

    Args:
        settings: its config.json.
        title: of the report.
        source: the file of the weights.
        parameters: of its training, by Piper's names; those of the architecture that shapes do not tell.
        step: of training.

    Raises:
        InputError: the settings are not those of a Piper voice.
    """
    tree = read_json(settings)
    audio, kind = section(tree, "audio"), tree.get("phoneme_type", "espeak")
    ids, skipped = piper_ids(tree, str(settings))
    notes = [f"its symbols are those of {settings}"]
    if skipped:
        notes.append(f"symbols of several ids or characters are left out: {' '.join(skipped)}")
    if kind not in ("espeak", "text"):
        notes.append(f"its texts are read by Piper's {kind!r}, which is not supported: give its symbols in [[ ]]")
    return Description(
        title=title,
        source=str(source),
        ids=ids,
        settings={
            "audio": _audio(
                parameters,
                rate=audio.get("sample_rate", parameters.get("sample_rate")),
                bands=parameters.get("mel_channels"),
            ),
            "decoder": {name: _list(value) for name, value in _decoder(parameters).items()},
            "data": {
                "language": section(tree, "espeak").get("voice"),
                "front_end": "espeak" if kind == "espeak" else "graphemes",
            },
            "speaking": piper_speaking(tree),
        },
        speakers=integers(tree, "speaker_id_map"),
        step=step,
        notes=tuple(notes),
        parts=_PARTS,
    )


def original_discriminators(tensors: Mapping[str, Tensor]) -> Discriminators | None:
    """The sub-discriminators, one of a scale and five of periods; None where there are none."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if match := re.match(r"^discriminators\.([0-5])\.(.+)", name):
            ours = match[2]
            for pattern, replacement in _DISCRIMINATORS:
                ours = re.sub(pattern, replacement, ours)
            found.setdefault(_DISCRIMINATOR_NAMES[int(match[1])], {})[ours] = tensor.float()
    return found or None


def _synthesizer(tensors: Mapping[str, Tensor], source: str) -> SourceWeights:
    return SourceWeights({uniform_name(name): tensor for name, tensor in tensors.items()}, original_name, source)


def uniform_name(name: str) -> str:
    """A name with `weight` and `bias` for layer norms too, and one list name for both kinds of residual blocks."""
    name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))
    return re.sub(r"^(dec\.resblocks\.\d+)\.convs\.", r"\1.convs1.", name)


def _audio(given: Mapping[str, Any], *, rate: Any, bands: Any) -> dict[str, Any]:
    return {
        "sample_rate": rate,
        "n_fft": given.get("filter_length"),
        "window_length": given.get("win_length"),
        "hop_length": given.get("hop_length"),
        "mel_bands": bands,
        "fmin_hz": given.get("mel_fmin"),
        "fmax_hz": given.get("mel_fmax"),
    }


def _decoder(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "upsample_rates": given.get("upsample_rates"),
        "residual_dilations": given.get("resblock_dilation_sizes"),
    }


def _list(value: Any) -> Any:
    """A list, which the command line of Piper's trainer stores as text."""
    try:
        return ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError):
        return None


def _step(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _ids(tree: Mapping[str, Any], weights: SourceWeights, beside: Path) -> dict[str, int]:
    symbols = tree.get("symbols")
    if isinstance(symbols, list):
        return {str(symbol): index for index, symbol in enumerate(symbols)}
    published, rows = published_ids(), weights.architecture().num_symbols
    if rows == 1 + max(published.values()):
        return published
    raise InputError(
        f"{weights.source}: has {rows} symbols, and the published alphabet 178: name its own, in their order, in a "
        f'list "symbols" of {beside}'
    )


def _speakers(tree: Mapping[str, Any]) -> list[str] | dict[str, int]:
    speakers = tree.get("speakers")
    return [str(name) for name in speakers] if isinstance(speakers, list) else integers(tree, "speakers")


def _discriminators_beside(path: Path, notes: list[str]) -> Discriminators | None:
    """Those of the same step, in the file whose name begins with a D; a note where there is none."""
    beside = path.with_name(f"D{path.name[1:]}")
    if not path.name.startswith("G") or not beside.is_file():
        notes.append(f"there is no {beside.name} beside it: the discriminators are new")
        return None
    state = read_torch_file(beside)
    return original_discriminators(tensors_of(state.get("model", state) if isinstance(state, Mapping) else {}))


def _find_piper_settings(path: Path) -> Path:
    beside = [Path(f"{path}.json"), path.with_suffix(".json"), *sorted(path.parent.glob("*.onnx.json"))]
    above = [folder / "config.json" for folder in list(path.absolute().parents)[:_FOLDERS_UP]]
    for candidate in (*beside, *above):
        if candidate.is_file() and "phoneme_id_map" in read_json(candidate):
            return candidate
    raise InputError(
        f"{path}: the symbols of a Piper voice are in its config.json, and there is none with a phoneme_id_map near: "
        "put it beside the checkpoint, or give it with --config"
    )
