"""Training checkpoints: all training state in one file with its own SHA-256.

A checkpoint is a zip archive by `torch.save` with the SHA-256 of everything before it as the archive comment. torch
loads it as any other; `load_checkpoint` verifies the hash first, because neither torch nor zip detects every bit flip.
"""

import hashlib
import io
import pickle
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from configs import InputError
from configs.atomic_file import replacing
from configs.content import UNFIT, content_of, require_like

_DIGEST_BYTES = 64  # SHA-256 in hexadecimal


def checkpoint_path(folder: Path, step: int) -> Path:
    """The path of the checkpoint of a step."""
    return folder / f"{step:08d}.pt"


def list_checkpoints(folder: Path) -> list[Path]:
    """All checkpoints, oldest first."""
    return sorted(path for path in folder.glob("*.pt") if path.stem.isdigit())


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write all training state atomically: `path` holds either the old file or the whole new one.

    Raises:
        InputError: the disk is full or the folder is read-only; whatever was at `path` is intact.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getbuffer()
    # The last two bytes of a zip archive are the length of its comment.
    assert bytes(body[-22:-18]) == b"PK\x05\x06", "torch.save no longer ends in a plain end-of-archive record"
    body[-2:] = _DIGEST_BYTES.to_bytes(2, "little")
    with replacing(path) as file:
        file.write(body)
        file.write(hashlib.sha256(body).hexdigest().encode())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU without executing code from it.

    Raises:
        InputError: the file is missing, damaged, or not a checkpoint of this program.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is this a checkpoint of a run?") from error
    body, digest = memoryview(content)[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise InputError(
            f"{path}: is damaged or not a checkpoint (its SHA-256 does not match): delete it to go on from an older one"
        )
    try:
        _refuse_compressed(content)
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, AssertionError, *UNFIT) as error:  # torch asserts
        raise InputError(f"{path}: holds more than training state, and is not loaded: {error}") from error
    with content_of_checkpoint(path):
        if not isinstance(state, dict):
            raise ValueError(f"it is a {type(state).__name__} and not a dict")
        _check_types(state)
        _rename_weights(state)
    return state


# Prefixes of weights in checkpoints of earlier versions, and the present ones.
_RENAMED = {"discriminator": ("judges.", "sub_discriminators.")}


def _rename_weights(state: dict[str, Any]) -> None:
    """Rename weights that an earlier version wrote."""
    for network, (before, now) in _RENAMED.items():
        weights = state.get(network, {})
        for name in [name for name in weights if name.startswith(before)]:
            weights[now + name.removeprefix(before)] = weights.pop(name)


def _refuse_compressed(content: bytes) -> None:
    """Refuse an archive that could unpack to more than its size; torch.save compresses nothing.

    Raises:
        ValueError: something in it is compressed.
        zipfile.BadZipFile: it is no archive.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("something in it is compressed")


def content_of_checkpoint(path: Path) -> AbstractContextManager[None]:
    """Within the block, content that does not fit is an InputError that names the checkpoint."""
    return content_of(
        path, "training state of this version of the program", "delete it to go on from an older one, or start anew"
    )


# Types that readers rely on before they build anything; `require_like` compares the rest.
_TYPES: dict[str, Any] = {
    "config": {},
    "symbols": "",
    "speakers": [""],
    "origin": "",
    "step": 0,
    "best": {},
    "ranks": [],
}


def _check_types(state: dict[str, Any]) -> None:
    """Check what is there of the entries.

    Raises:
        ValueError: one has another type, or the step is out of range.
    """
    require_like(state, _TYPES, complete=False)
    if not 0 <= state.get("step", 0) < 2**53:
        raise ValueError(f"step is {state['step']}")
    for network in ("synthesizer", "average", "discriminator"):
        weights = state.get(network, {})
        names = isinstance(weights, dict) and all(isinstance(name, str) for name in weights)
        if not names or not all(isinstance(weight, torch.Tensor) for weight in weights.values()):
            raise ValueError(f"{network} is not a dict of tensors by name")


def prune_checkpoints(folder: Path, *, keep: int, best_step: int | None, replayed_step: int | None = None) -> None:
    """Delete all but the newest `keep` checkpoints, the best one, and the last one before a step to be replayed."""
    paths = list_checkpoints(folder)
    before = [path for path in paths if replayed_step is not None and int(path.stem) < replayed_step]
    for path in paths[:-keep]:
        if int(path.stem) != best_step and path not in before[-1:]:
            path.unlink()
