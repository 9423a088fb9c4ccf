"""Read the weights of an ONNX graph by the names that they had in PyTorch.

The exporter keeps the name of a parameter that the graph uses as it is. One that it computes with first, such as a
folded weight norm or the transpose of a matrix, becomes an anonymous constant. The bias of the same layer, or else the
node tells whose it is: `/dec/ups.0/ConvTranspose` is of `dec.ups.0`. Of equal parameters, one is kept, and an Identity
has the name of each other.
"""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import count, takewhile

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from configs import InputError

# Layers by their names: whose anonymous constants are another parameter than a weight.
_RELATIVE_KEYS = re.compile(r"\.attention$")
_NORM = re.compile(r"norm(_\w+|s\.\d+|_\w+\.\d+)?$|norms?_\w+\.\d+$")
_ACTIVATION = re.compile(r"\.activations?(\.\d+)?$")
_LOG_SCALES = ("dp.flows.0.logs", "duration_predictor.flow.affine.log_scale")  # Piper's, and ours
_INTEGERS = {"ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "DequantizeLinear", "QLinearConv"}
_KEPT = {"Identity", "Cast"}  # of one parameter of several that are equal, and of one in half precision
_COUNTED = re.compile(r"_\d+$")  # how the exporter tells the calls of one layer apart
_OWN = "synthesizer."  # the wrapper that is exported
_ULPS = 64  # around a logarithm, that are tried for the one whose exponential is the constant


class GraphWeights:
    """The parameters of a graph, and the numbers of its convolutions that their shapes do not tell.

    Args:
        model: the graph.
        source: its file, for messages.

    Raises:
        InputError: it is damaged, its weights are integers, or it has none.
    """

    def __init__(self, model: onnx.ModelProto, source: str) -> None:
        if any(node.op_type in _INTEGERS for node in model.graph.node):
            raise InputError(
                f"{source}: its weights were rounded to 8 bits, which cannot be trained on: take the graph in float32"
            )
        try:
            onnx.checker.check_model(model)
            self._constants = dict(_constants(model))
        except (onnx.checker.ValidationError, ValueError, TypeError) as error:
            told = str(error).partition("\n")[0]
            raise InputError(f"{source}: is damaged, copy it again or take another: {told}") from error
        self._strides: dict[str, int] = {}  # of the last dimension, by layer
        self._dilations: dict[str, int] = {}
        named = {weight.name for weight in model.graph.initializer}
        named |= {node.output[0] for node in model.graph.node if node.op_type in _KEPT}
        self.tensors = {
            name.removeprefix(_OWN): value
            for name, value in self._constants.items()
            if name in named and "." in name and "::" not in name and "/" not in name
        }
        self._added = {name: node for node in model.graph.node if node.op_type == "Add" for name in node.input}
        for node in model.graph.node:
            for name, tensor in self._parameters(node):
                if not name.startswith("."):  # else its layer has no name
                    self.tensors.setdefault(name, tensor)
        if not self.tensors:
            raise InputError(f"{source}: has no weights under the names of their layers: it is no voice of VITS")

    def upsampling(self) -> list[int]:
        """The factor of each upsampling of a HiFi-GAN, by the names of the original repository."""
        return [self._strides[name] for name in _numbered("dec.ups.{}", self._strides)]

    def residual_dilations(self) -> list[list[int]]:
        """The dilations of each residual block after an upsampling of a HiFi-GAN, by the original's names."""
        blocks = [
            [self._dilations[name] for name in _numbered(f"dec.resblocks.{block}.{kind}.{{}}", self._dilations)]
            for block in range(len(self._dilations))
            for kind in ("convs1", "convs")
        ]
        found = [block for block in blocks if block]
        return found[: len(found) // max(1, len(self.upsampling()))]

    def _parameters(self, node: onnx.NodeProto) -> Iterator[tuple[str, Tensor]]:
        """The parameters that a node applies, with their names."""
        layer = self._layer(node)
        values = [self._constants.get(name) for name in node.input]
        constant = next((value for value in values if value is not None), None)
        if constant is None:
            return
        if node.op_type in ("Conv", "ConvTranspose"):
            self._strides[layer], self._dilations[layer] = _last(node, "strides"), _last(node, "dilations")
            for kind, value in zip(("weight", "bias"), values[1:], strict=False):
                if value is not None:
                    yield f"{layer}.{kind}", value
        elif node.op_type == "MatMul" and values[1] is not None and values[1].ndim == 2:
            name = "relative_keys" if _RELATIVE_KEYS.search(layer) else "weight"
            yield f"{layer}.{name}", values[1].T.contiguous()
        elif node.op_type == "Gather" and values[0] is not None and values[0].ndim == 2:
            yield f"{layer}.weight", values[0]
        elif node.op_type == "Mul" and layer == "dp.flows.0":
            yield _LOG_SCALES[0], -_logarithm(constant)
        elif node.op_type == "Exp" and node.input[0].removeprefix(_OWN) not in self.tensors:
            own = f"{layer}.log_beta" if _ACTIVATION.search(layer) else _LOG_SCALES[1]
            yield _LOG_SCALES[0] if layer == "dp.flows.0" else own, -constant
        elif node.op_type in ("Mul", "Add") and _NORM.search(layer) and constant.ndim == 1:
            yield f"{layer}.{'weight' if node.op_type == 'Mul' else 'bias'}", constant

    def _layer(self, node: onnx.NodeProto) -> str:
        """The layer of a node; its name has not all of it, where a method other than `forward` was called."""
        layer = ".".join(node.name.split("/")[1:-1])
        ends = (f".{layer}", f".{_COUNTED.sub('', layer)}") if layer else ("",)
        added = self._added.get(node.output[0])
        for name in (*node.input, *(() if added is None else added.input)):
            of_bias = name.removeprefix(_OWN).removesuffix(".bias")
            if name.endswith(".bias") and f".{of_bias}".endswith(ends):
                return of_bias
        return layer


def _last(node: onnx.NodeProto, name: str) -> int:
    """The last number of an attribute; 1, as the standard has it, where there is none."""
    numbers = [number for attribute in node.attribute if attribute.name == name for number in attribute.ints]
    return numbers[-1] if numbers else 1


def _numbered(template: str, names: Mapping[str, int]) -> Iterator[str]:
    return takewhile(names.__contains__, (template.format(number) for number in count()))


def _constants(model: onnx.ModelProto) -> Iterator[tuple[str, Tensor]]:
    """Every constant in floating point: weights, in half precision or not, and nodes that are one."""
    found: dict[str, Tensor] = {}
    for weight in model.graph.initializer:
        if weight.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            found[weight.name] = torch.from_numpy(numpy_helper.to_array(weight).astype(np.float32))
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].type == onnx.AttributeProto.TENSOR:
            if node.attribute[0].t.data_type == onnx.TensorProto.FLOAT:
                found[node.output[0]] = torch.from_numpy(numpy_helper.to_array(node.attribute[0].t).copy())
        elif node.op_type in _KEPT and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    yield from found.items()


def _logarithm(values: Tensor) -> Tensor:
    """The logarithm whose exponential in float32 is these values to the bit, wherever there is one."""
    best = nearest = values.log()
    for direction in (-math.inf, math.inf):
        tried = nearest
        for _ in range(_ULPS):
            tried = torch.nextafter(tried, torch.full_like(tried, direction))
            best = torch.where((best.exp() != values) & (tried.exp() == values), tried, best)
    return best
