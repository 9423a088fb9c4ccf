"""Load a voice from any source; the format is recognised by content, not by file name alone."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import safetensors

from configs import InputError
from models.finite_weights import first_not_finite, tensors_in
from voices.export import needing_onnx
from voices.importing import KINDS
from voices.importing.assembly import Imported
from voices.importing.hugging_face import read_hugging_face
from voices.importing.origin import published_origin
from voices.importing.original import read_original, read_piper
from voices.importing.own import import_run, read_checkpoint, read_voice
from voices.importing.settings_file import read_json
from voices.importing.torch_file import read_torch_file
from voices.shipped import voice_path


def load_voice_from(path: Path, *, settings: Path | None = None, to_train: bool = False) -> Imported:
    """Load a voice, ours or another program's, onto the CPU, without executing code from the file.

    Args:
        path: a file, a folder, or the name of a shipped voice; a folder of the original repository's checkpoints gives
            the newest.
        settings: the config.json of an original or a Piper voice, where it is not beside it.
        to_train: whether to load the discriminators and the posterior encoder too, if there are any.

    Raises:
        InputError: there is no voice, or it cannot be imported; the message says why.
    """
    path = voice_path(path)
    imported = _load(path, settings, to_train)
    norms = {name: vars(norm) for name, norm in imported.voice.norms.items()}
    weights = {
        "weights": imported.voice.synthesizer.state_dict(),
        "norms": norms,
        "discriminator": imported.discriminators or {},
    }
    broken = first_not_finite(tensors_in(weights))
    if broken is not None:
        raise InputError(f"{path}: {broken.partition('.')[2]} is NaN or infinite: its training diverged")
    return imported


def _load(path: Path, settings: Path | None, to_train: bool) -> Imported:
    if path.is_dir():
        return _load_folder(path, settings, to_train)
    if path.suffix == ".safetensors" or _begins_as_safetensors(path):
        return _load_safetensors(path, to_train)
    if path.suffix == ".onnx":
        with needing_onnx():
            from voices.importing.onnx_voice import read_onnx
        return _with_origin(read_onnx(path, settings=settings), path, settings)
    if path.suffix == ".pt" and path.stem.isdigit() and zipfile.is_zipfile(path):
        return read_checkpoint(path, to_train=to_train)
    return _load_pickle(path, settings, to_train)


def _load_folder(folder: Path, settings: Path | None, to_train: bool) -> Imported:
    if (folder / "voice.safetensors").exists() or (folder / "checkpoints").is_dir():
        return import_run(folder, to_train=to_train)
    if (folder / "config.json").is_file() and read_json(folder / "config.json").get("model_type") == "vits":
        return _with_origin(read_hugging_face(folder), folder, settings)
    steps = {int(match[1]): path for path in folder.glob("G_*.pth") if (match := re.fullmatch(r"G_(\d+)", path.stem))}
    if steps:
        return _load_pickle(steps[max(steps)], settings, to_train)
    raise InputError(f"{folder}: there is no voice in it; give {KINDS}")


def _with_origin(imported: Imported, path: Path, settings: Path | None) -> Imported:
    """Another program's voice, with what was published about its origin."""
    if imported.voice.origin is not None:
        return imported
    return replace(imported, voice=replace(imported.voice, origin=published_origin(path, settings)))


def _begins_as_safetensors(path: Path) -> bool:
    """Whether the file begins with a length of eight bytes and a JSON object."""
    try:
        with path.open("rb") as file:
            return file.read(9)[8:] == b"{"
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): change its permissions") from error


def _load_safetensors(path: Path, to_train: bool) -> Imported:
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            ours = "config" in (file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as a voice: {error}") from error
    if not ours and path.name == "model.safetensors" and (path.parent / "config.json").is_file():
        return _with_origin(read_hugging_face(path.parent), path.parent, None)
    return read_voice(path, to_train=to_train)


def _load_pickle(path: Path, settings: Path | None, to_train: bool) -> Imported:
    state = read_torch_file(path)
    if isinstance(state, Mapping):
        lightning = state.get("state_dict")
        if isinstance(lightning, Mapping) and any(str(name).startswith("model_g.") for name in lightning):
            return _with_origin(read_piper(path, state, settings=settings, to_train=to_train), path, settings)
        weights = state["model"] if isinstance(state.get("model"), Mapping) else state
        if any(str(name).startswith("enc_p.") for name in weights):
            return _with_origin(read_original(path, state, settings=settings, to_train=to_train), path, settings)
        if any(str(name).startswith("discriminators.") for name in weights):
            raise InputError(f"{path}: holds the discriminators of a voice, not the voice: give the G_*.pth beside it")
    raise InputError(f"{path}: is a file of torch, but not of a supported voice; give {KINDS}")
