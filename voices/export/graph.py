"""Export the synthesizer to an ONNX graph with Piper's inputs and outputs, by tracing the model.

torch's TorchScript exporter records one call with dynamic sizes. Operations that it does not support, or exports such
that ONNX Runtime is slow, are translated here.

B batch · T ids · S samples
"""

import contextlib
import copy
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.onnx import (  # type: ignore[attr-defined]
    register_custom_op_symbolic,
    unregister_custom_op_symbolic,
)
from torch.onnx.symbolic_helper import parse_args

from models.synthesizer import Synthesizer
from voices.export import FRAME_MASK, Z_P, Z

_OPSET = 15
_LARGEST = 2**63 - 1  # as the end of a slice: the end of the axis
_TRACED_IDS = 12  # few, because the trace runs the model on them


class SpeakingGraph(nn.Module):
    """`Synthesizer.speak` with Piper's inputs and outputs."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        super().__init__()
        self.synthesizer = synthesizer

    def forward(
        self, ids: Tensor, lengths: Tensor, scales: Tensor, speaker_ids: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Text to audio.

        Args:
            ids: [B, T].
            lengths: [B].
            scales: [3]: noise scale, length scale (2 is half as fast), duration noise scale.
            speaker_ids: [B], or None for a single voice.

        Returns:
            Audio [B, 1, S], frames per id [B, T] in float32, and what is between text and audio: z_p [B, Z, F], its
            mask [B, 1, F], and z [B, Z, F].
        """
        plan = self.synthesizer.plan(
            ids,
            lengths,
            speaker_ids,
            noise_scale=scales[0],
            duration_noise_scale=scales[2],
            speed=1 / scales[1],
        )
        # `detach` makes other tensors of the same values: the tracer names a tensor after the last operation that has
        # returned it, and a cast to its own type returns it.
        mask = plan.frame_mask.detach()
        z = self.synthesizer.flow.inverse(plan.z_p.detach() * mask, mask, plan.speaker)
        audio = self.synthesizer.decoder(z.detach(), plan.speaker, mask)
        return audio, plan.durations.float(), plan.z_p, plan.frame_mask, z


def trace_graph(synthesizer: Synthesizer) -> onnx.ModelProto:
    """Export a synthesizer; it is not changed.

    Inputs are `input` int64 [B, T], `input_lengths` int64 [B], `scales` float32 [3] and, with several speakers, `sid`
    int64 [B]; outputs are `output` float32 [B, 1, S] and `durations` float32 [B, T]. Values within the graph that have
    names are those of `voices.export`.
    """
    speakers = 0 if synthesizer.speakers is None else synthesizer.speakers.num_embeddings
    symbols = synthesizer.text_encoder.embedding.num_embeddings
    axes = {
        "input": {0: "batch", 1: "ids"},
        "input_lengths": {0: "batch"},
        "sid": {0: "batch"},
        "output": {0: "batch", 2: "samples"},
        "durations": {0: "batch", 1: "ids"},
    }
    # Two sentences of different lengths, so that neither batch size nor padding becomes a constant.
    ids = torch.arange(2 * _TRACED_IDS).reshape(2, -1) % symbols
    inputs = [ids, torch.tensor([_TRACED_IDS, _TRACED_IDS - 3]), torch.tensor([0.667, 1.0, 0.8])]
    if speakers:
        inputs.append(torch.tensor([0, 0]))
    content = io.BytesIO()
    # The tracer warns of each Python number that becomes a constant. The sizes of layers are constants; that no other
    # number is, the verification shows.
    with _translations(), torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            SpeakingGraph(_speaking(synthesizer)).eval(),
            tuple(inputs),
            content,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=_OPSET,
            input_names=["input", "input_lengths", "scales", "sid"][: len(inputs)],
            output_names=["output", "durations", Z_P, FRAME_MASK, Z],
            dynamic_axes={name: sizes for name, sizes in axes.items() if speakers or name != "sid"},
        )
    model = onnx.load_model_from_string(content.getvalue())
    _drop_identities(model.graph)
    _merge_equal_nodes(model.graph)
    del model.graph.output[2:]
    onnx.checker.check_model(model, full_check=True)
    return model


def _speaking(synthesizer: Synthesizer) -> Synthesizer:
    """The same without the posterior encoder, whose parameters would count in the names of the graph's constants."""
    speaking = copy.copy(synthesizer)
    speaking._modules = {name: part for name, part in synthesizer._modules.items() if name != "posterior_encoder"}
    return speaking


def _drop_identities(graph: onnx.GraphProto) -> None:
    """Remove Identity nodes, which the exporter inserts for equal weights and quantisation does not handle.

    Each such weight is in the graph again, under its own name, by which an import finds it: in a voice that was trained
    there are none.
    """
    weights = {weight.name: weight for weight in graph.initializer}
    copied = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    for name in [name for name, source in copied.items() if source in weights]:
        equal = graph.initializer.add()
        equal.CopyFrom(weights[copied.pop(name)])
        equal.name = name
        weights[name] = equal
    kept = [node for node in graph.node if node.op_type != "Identity"]
    for node in kept:
        for place, name in enumerate(node.input):
            while name in copied:
                name = copied[name]
            node.input[place] = name
    del graph.node[:]
    graph.node.extend(kept)


def _merge_equal_nodes(graph: onnx.GraphProto) -> None:
    """Common subexpression elimination: the trace repeats constants and masks, and a client optimises at each start."""
    outputs = {value.name for value in graph.output}
    first: dict[tuple[Any, ...], onnx.NodeProto] = {}
    merged: dict[str, str] = {}
    kept = []
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = merged.get(name, name)
        attributes = sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
        equal = first.setdefault((node.op_type, *node.input, *attributes), node)
        if equal is node or node.op_type == "RandomNormalLike" or outputs & set(node.output):
            kept.append(node)
        else:
            merged |= dict(zip(node.output, equal.output, strict=True))
    del graph.node[:]
    graph.node.extend(kept)


@contextlib.contextmanager
def _translations() -> Iterator[None]:
    translations: dict[str, Callable[..., Any]] = {
        "aten::searchsorted": _searchsorted,
        "aten::diff": _diff,
        "aten::_convolution": _convolution,
        "prim::ConstantChunk": _chunk,
    }
    for name, translation in translations.items():
        register_custom_op_symbolic(name, translation, _OPSET)
    try:
        yield
    finally:
        for name in translations:
            unregister_custom_op_symbolic(name, _OPSET)


def _numbers(graph: Any, *values: int) -> Any:
    return graph.op("Constant", value_t=torch.tensor(values))


def _searchsorted(graph: Any, ends: Any, values: Any, *_: Any) -> Any:
    """For each value [B, F] the number of ends [B, P] that are not greater, as with `right=True`."""
    ends = graph.op("Unsqueeze", ends, _numbers(graph, 1))
    values = graph.op("Unsqueeze", values, _numbers(graph, 2))
    not_greater = graph.op("Cast", graph.op("LessOrEqual", ends, values), to_i=onnx.TensorProto.INT64)  # [B, F, P]
    return graph.op("ReduceSum", not_greater, _numbers(graph, 2), keepdims_i=0)


@parse_args("v", "i", "i", "v", "v")
def _diff(graph: Any, x: Any, _times: int, dim: int, *_: Any) -> Any:
    following = graph.op("Slice", x, _numbers(graph, 1), _numbers(graph, _LARGEST), _numbers(graph, dim))
    return graph.op(
        "Sub", following, graph.op("Slice", x, _numbers(graph, 0), _numbers(graph, -1), _numbers(graph, dim))
    )


def _chunk(graph: Any, x: Any, chunks: int, dim: int) -> Any:
    """Chunks of equal size."""
    return graph.op("Split", x, axis_i=dim, outputs=chunks)


@parse_args("v", "v", "v", "is", "is", "is", "b", "is", "i", "b", "b", "b", "b")
def _convolution(
    graph: Any,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    *_: Any,
) -> Any:
    """1-d convolutions as 2-d ones of height one, for which ONNX Runtime has faster kernels."""
    inputs = [x, weight] if bias.node().mustBeNone() else [x, weight, bias]
    as_image = len(stride) == 1 and not transposed
    if as_image:
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
        inputs[:2] = (graph.op("Unsqueeze", tensor, _numbers(graph, 2)) for tensor in (x, weight))
    sizes: dict[str, Any] = {
        "strides_i": stride,
        "pads_i": [*padding, *padding],
        "dilations_i": dilation,
        "group_i": groups,
    }
    if not transposed:
        output = graph.op("Conv", *inputs, **sizes)
        return graph.op("Squeeze", output, _numbers(graph, 2)) if as_image else output
    return graph.op("ConvTranspose", *inputs, **sizes, output_padding_i=output_padding)
