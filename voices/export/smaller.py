"""Smaller graphs: dynamic quantisation to 8 bits, or weights stored in 16 bits.

8-bit kernels (unsigned) are a little faster for matrix products and slower for the decoder's convolutions, which are
therefore excluded. 16 bits are for storage only: ONNX Runtime casts the weights back to float32 when it loads the
graph. (Computing in 16 bits is not faster on a CPU.)
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

_SMALLEST = 1024  # values; smaller weights are kept in float32


def in_eight_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with 8-bit weights of matrix products, embeddings and convolutions, except the decoder's convolutions."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    kept = [node.name for node in model.graph.node if node.op_type == "Conv" and node.name.startswith("/decoder/")]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "small.onnx"
        logging.disable(logging.WARNING)  # it recommends preprocessing that does not apply here
        try:
            quantize_dynamic(
                model,
                str(target),
                op_types_to_quantize=["MatMul", "Conv", "Gather"],
                weight_type=QuantType.QUInt8,
                nodes_to_exclude=kept,
            )
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load(str(target))


def in_sixteen_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose larger weights are stored in half precision."""
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    casts = []
    for weight in smaller.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _SMALLEST or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name, stored = weight.name, f"{weight.name}/half"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], name=f"{name}/Cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *smaller.graph.node]
    del smaller.graph.node[:]
    smaller.graph.node.extend(nodes)
    return smaller
