"""Graphs that take less space: weights in eight bits, or in sixteen.

Eight bits are unsigned and dynamic: values are scaled as they come. That is a little faster where it replaces a matrix
product and slower than the kernels of the decoder's convolutions, which therefore stay as they are. Sixteen bits are
for storage alone: ONNX Runtime makes them 32 again when it loads the graph, and computes as before. (Graphs that
compute in sixteen bits are not faster on a CPU.)
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

_SMALLEST = 1024  # weights below it are kept: there is nothing to save, and biases and scales matter


def in_eight_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with the weights of matrix products, embeddings and convolutions, the decoder's aside, in eight bits."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    kept = [node.name for node in model.graph.node if node.op_type == "Conv" and node.name.startswith("/decoder/")]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "small.onnx"
        logging.disable(logging.WARNING)  # it recommends a preparation that is for other graphs
        try:
            quantize_dynamic(
                model,
                str(made),
                op_types_to_quantize=["MatMul", "Conv", "Gather"],
                weight_type=QuantType.QUInt8,
                nodes_to_exclude=kept,
            )
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load(str(made))


def in_sixteen_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose larger weights are stored as half-precision numbers."""
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
