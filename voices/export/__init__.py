"""Export a voice to ONNX, for Piper and sherpa-onnx, and to Hugging Face's VitsModel."""

import contextlib
from collections.abc import Iterator

from configs import InputError

OWN_METADATA = "parlance_"  # prefix of our own metadata in a graph
# Names of values in our graphs, in the letters of models.synthesizer: the input of the inverse flow, that of the
# decoder, and the mask of both. With them, and the receptive fields in the metadata, a sentence is decoded in chunks.
Z_P, Z, FRAME_MASK = "z_p", "z", "frame_mask"
FLOW_FIELD, DECODER_FIELD = f"{OWN_METADATA}flow_receptive_field", f"{OWN_METADATA}decoder_receptive_field"


@contextlib.contextmanager
def needing_onnx() -> Iterator[None]:
    """Within the block, a missing onnx or onnxruntime is an InputError that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("onnx", "onnxruntime"):
            raise
        raise InputError(f"{error.name} is not installed, and ONNX needs it: pip install onnx onnxruntime") from error
