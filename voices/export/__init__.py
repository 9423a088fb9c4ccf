"""Export a voice to ONNX, for Piper and sherpa-onnx, and to Hugging Face's VitsModel."""

import contextlib
from collections.abc import Iterator

from configs import InputError

OWN_METADATA = "parlance_"  # prefix of our own metadata in a graph


@contextlib.contextmanager
def needing_onnx() -> Iterator[None]:
    """Within the block, a missing onnx or onnxruntime is an InputError that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("onnx", "onnxruntime"):
            raise
        raise InputError(f"{error.name} is not installed, and ONNX needs it: pip install onnx onnxruntime") from error
