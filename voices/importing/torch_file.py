"""Load files of `torch.save` without executing code from them.

A pickle can call any function by name. Allowed here is what torch allows for weights, and paths, which trainers store
among their settings; everything else is refused.
"""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import torch
from torch import Tensor

from configs import InputError

# By all names that versions of Python pickle them under. As pure paths, so that a path of Windows loads on Linux.
_PATHS = [
    (kind, f"{module}.{prefix}{system}Path")
    for kind, system in ((PurePosixPath, "Posix"), (PureWindowsPath, "Windows"))
    for module in ("pathlib", "pathlib._local")
    for prefix in ("", "Pure")
]

_NO_PICKLE = "it is no pickle of torch"


def read_torch_file(path: Path) -> Any:
    """Load a file of `torch.save` onto the CPU.

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
    except (OSError, RuntimeError) as error:  # their messages are helpful; those below are not
        reason = (str(error).splitlines() or [_NO_PICKLE])[0][:200]
        raise InputError(f"{path}: is damaged, or not a checkpoint of torch: {reason}") from error
    except (EOFError, LookupError, ValueError, ArithmeticError, AssertionError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: is damaged, or not a checkpoint of torch: {_NO_PICKLE}") from error


def tensors_of(state: Mapping[Any, Any], prefix: str = "") -> dict[str, Tensor]:
    """The tensors whose names begin with this prefix, by the rest of their names."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if isinstance(name, str) and isinstance(tensor, Tensor) and name.startswith(prefix)
    }
