"""A voice in the formats of other programs: ONNX for Piper and sherpa-onnx, and Hugging Face's VitsModel."""

import contextlib
from collections.abc import Iterator

from configs import InputError

OWN_METADATA = "parlance_"  # before the names of what we add to a graph for ourselves


@contextlib.contextmanager
def needing_onnx() -> Iterator[None]:
    """Whoever imports onnx or onnxruntime inside is told how to get them where they are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("onnx", "onnxruntime"):
            raise
        raise InputError(f"{error.name} is not installed, and ONNX needs it: pip install onnx onnxruntime") from error
