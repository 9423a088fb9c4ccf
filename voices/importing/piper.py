"""Checkpoints of Piper's trainer (`.ckpt` of Lightning), with the config.json that Piper writes for a voice."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs import InputError
from voices.importing.assembly import Description, Imported, assemble
from voices.importing.json_file import read_json, section, whole_numbers
from voices.importing.original import PARTS, original_discriminators, original_synthesizer
from voices.importing.piper_settings import own_speaking, single_ids
from voices.importing.torch_file import tensors_of

_GENERATOR, _DISCRIMINATORS = "model_g.", "model_d."
_FOLDERS_UP = 4  # Lightning puts checkpoints into TRAINING/lightning_logs/version_0/checkpoints


def read_piper(path: Path, state: Mapping[str, Any], *, settings: Path | None, to_train: bool) -> Imported:
    """Read a voice that Piper trained.

    Args:
        path: the checkpoint.
        state: what it holds.
        settings: its config.json; None looks beside it and in the folders above.
        to_train: whether its discriminators are wanted.

    Raises:
        InputError: it cannot be a voice here; the message says why.
    """
    tensors, discriminators = tensors_of(state["state_dict"]), tensors_of(state["state_dict"], _DISCRIMINATORS)
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith(_GENERATOR)}
    described_by = settings or _find_settings(path)
    description = _describe(path, read_json(described_by), described_by, state)
    foreign = original_synthesizer(tensors_of(state["state_dict"], _GENERATOR), str(path))
    imported = assemble(foreign, description, skipped=others)
    return Imported(
        imported.voice,
        imported.report,
        original_discriminators(discriminators) if to_train and discriminators else None,
    )


def _find_settings(path: Path) -> Path:
    beside = [Path(f"{path}.json"), path.with_suffix(".json"), *sorted(path.parent.glob("*.onnx.json"))]
    above = [folder / "config.json" for folder in list(path.absolute().parents)[:_FOLDERS_UP]]
    for candidate in (*beside, *above):
        if candidate.is_file() and "phoneme_id_map" in read_json(candidate):
            return candidate
    raise InputError(
        f"{path}: the symbols of a Piper voice are in its config.json, and there is none with a phoneme_id_map near: "
        "put it beside the checkpoint, or give it with --config"
    )


def _describe(path: Path, tree: dict[str, Any], described_by: Path, state: Mapping[str, Any]) -> Description:
    parameters = section(dict(state), "hyper_parameters")
    audio = section(tree, "audio")
    ids, left_out = single_ids(tree, str(described_by))
    notes = [f"its symbols are those of {described_by}"]
    if left_out:
        notes.append(f"symbols of several ids or characters are left out: {' '.join(left_out)}")
    kind = tree.get("phoneme_type", "espeak")
    if kind not in ("espeak", "text"):
        notes.append(f"its texts are read by Piper's {kind!r}, which is not here: give its symbols in [[ ]]")
    step = state.get("global_step")
    return Description(
        title="Piper checkpoint",
        source=str(path),
        ids=ids,
        settings={
            "audio": {
                "sample_rate": audio.get("sample_rate", parameters.get("sample_rate")),
                "n_fft": parameters.get("filter_length"),
                "window_length": parameters.get("win_length"),
                "hop_length": parameters.get("hop_length"),
                "mel_bands": parameters.get("mel_channels"),
                "fmin_hz": parameters.get("mel_fmin"),
                "fmax_hz": parameters.get("mel_fmax"),
            },
            "decoder": {
                "upsample_rates": _numbers(parameters.get("upsample_rates")),
                "residual_dilations": _numbers(parameters.get("resblock_dilation_sizes")),
            },
            "data": {
                "language": section(tree, "espeak").get("voice"),
                "front_end": "espeak" if kind == "espeak" else "graphemes",
            },
            "speaking": own_speaking(tree),
        },
        speakers=whole_numbers(tree, "speaker_id_map"),
        step=step if isinstance(step, int) else 0,
        notes=tuple(notes),
        parts=PARTS,
    )


def _numbers(value: Any) -> Any:
    """A list, which the command line of the trainer leaves as text."""
    try:
        return ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError):
        return None
