"""Checkpoints that torch wrote, read without running a line of them.

A pickle may ask for any function by name and have it called. Here it gets what torch itself lets weights ask for, and
paths, which trainers leave among their settings. Nothing else is ever loaded, whatever the file says of itself.
"""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import torch
from torch import Tensor

from configs import InputError

# By every name that a version of Python pickles them under. Pure paths: a path of Windows must load on Linux too, and
# none of them is ever opened.
_PATHS = [
    (kind, f"{module}.{prefix}{system}Path")
    for kind, system in ((PurePosixPath, "Posix"), (PureWindowsPath, "Windows"))
    for module in ("pathlib", "pathlib._local")
    for prefix in ("", "Pure")
]

_NO_PICKLE = "it is no pickle of torch"


def read_torch_file(path: Path) -> Any:
    """What a file of `torch.save` holds, on the CPU.

    Raises:
        InputError: there is no such file, it is damaged, or it holds more than weights and settings.
    """
    try:
        with torch.serialization.safe_globals(list(_PATHS)):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except pickle.UnpicklingError as error:
        reason = next((line.strip() for line in str(error).splitlines() if "GLOBAL" in line), _NO_PICKLE)
        raise InputError(f"{path}: is not weights and settings alone, and is not loaded: {reason[:200]}") from error
    except (OSError, RuntimeError) as error:  # these say what is wrong; the others, which byte they did not understand
        reason = (str(error).splitlines() or [_NO_PICKLE])[0][:200]
        raise InputError(f"{path}: is damaged, or not a checkpoint of torch: {reason}") from error
    except (EOFError, LookupError, ValueError, ArithmeticError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: is damaged, or not a checkpoint of torch: {_NO_PICKLE}") from error


def tensors_of(state: Mapping[Any, Any], prefix: str = "") -> dict[str, Tensor]:
    """The tensors whose names begin with this, by the rest of their names; whatever else there is is left out."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if isinstance(name, str) and isinstance(tensor, Tensor) and name.startswith(prefix)
    }
