"""Seeded noise for ONNX graphs, whose own random nodes cannot be seeded.

`with_noise_inputs` makes the noise an input. `Stages` splits a graph at its random nodes, because the shape of the
noise is known only after the nodes before it have run, and draws the noise in the order of `Synthesizer`, so that a
seed gives the same audio. It also splits after the durations, because memory from there on is proportional to them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from voices.seeded_noise import SeededNoise

Array = NDArray[Any]

_NOISE = "RandomNormalLike"
_FLOAT = onnx.TensorProto.FLOAT
_LARGE_BYTES = 8192  # a larger weight is no shape and no axis


def open_session(
    model: onnx.ModelProto | str,
    *,
    threads: int = 0,
    optimised: bool = True,
    weights: Mapping[str, onnxruntime.OrtValue] | None = None,
    spinning: bool = False,
) -> onnxruntime.InferenceSession:
    """Open a session on the CPU.

    Args:
        model: a graph, or its file.
        threads: of each operator; 0 is ONNX Runtime's default.
        optimised: whether ONNX Runtime optimises the graph.
        weights: external ones, which the graph only names.
        spinning: whether threads busy-wait for work, as is ONNX Runtime's default; it takes a third of the processor
            time and is slower on a busy machine.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    if weights:
        options.add_external_initializers(list(weights), list(weights.values()))
    content = model if isinstance(model, str) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def with_noise_inputs(model: onnx.ModelProto, *, durations: str | None = None) -> tuple[onnx.ModelProto, list[str]]:
    """A copy whose noise is an input, and the names of these inputs in the order of their use.

    With the name of the integer durations (int64), these are an input too.
    """
    noises = [node.output[0] for node in model.graph.node if node.op_type == _NOISE]
    inputs = [onnx.helper.make_tensor_value_info(name, _FLOAT, None) for name in noises]
    if durations is not None:
        inputs.append(onnx.helper.make_tensor_value_info(durations, onnx.TensorProto.INT64, None))
    nodes = [node for node in model.graph.node if not {*noises, durations} & set(node.output)]
    return _with_nodes(model, nodes, [*model.graph.input, *inputs], model.graph.output), noises


def up_to(model: onnx.ModelProto, output: str) -> onnx.ModelProto:
    """A copy that computes one of the outputs only."""
    return between(model, (), (output,))


def between(model: onnx.ModelProto, given: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    """A copy that computes these values from its inputs and from others that are given, which are of float32."""
    nodes = [_Node.of(node) for node in model.graph.node]
    needed, _ = _split([node for node in nodes if set(given).isdisjoint(node.makes)], *outputs)
    values = [*model.graph.input, *(onnx.helper.make_tensor_value_info(name, _FLOAT, None) for name in given)]
    read = {name for node in needed for name in node.reads}
    described = {value.name: value for value in model.graph.output}
    return _with_nodes(
        model,
        [node.proto for node in needed],
        [value for value in values if value.name in read],
        [described.get(name, onnx.ValueInfoProto(name=name)) for name in outputs],  # ONNX Runtime infers types
    )


def open_apart(model: onnx.ModelProto, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open a session on a graph whose weights ONNX Runtime does not have to parse."""
    weights, own = _apart(model.graph.initializer)
    graph = onnx.helper.make_graph(model.graph.node, model.graph.name, model.graph.input, model.graph.output, weights)
    return open_session(_model_of(model, graph), threads=threads, weights=own)


def run_graph(session: onnxruntime.InferenceSession, feeds: Mapping[str, Array]) -> list[Array]:
    """Run for all outputs; feeds that are no inputs of this graph are ignored."""
    wanted = {value.name for value in session.get_inputs()}
    outputs: list[Array] = session.run(None, {name: value for name, value in feeds.items() if name in wanted})
    return outputs


@dataclass(frozen=True)
class _Stage:
    session: onnxruntime.InferenceSession
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    like: str | None  # the value with the shape of the noise to draw next
    noise: str | None  # the name of the noise; None if there is none to draw


class GraphRun:
    """One run of a graph in stages; each stage runs once, when something after it is asked for."""

    def __init__(
        self, stages: "Stages", feeds: Mapping[str, Array], noise: SeededNoise, audible: Sequence[bool]
    ) -> None:
        self._graph, self._values, self._noise = stages, dict(feeds), noise
        self._left = iter(stages.stages)
        draws = sum(stage.noise is not None for stage in stages.stages)
        self._audible = iter(audible[len(audible) - draws :])

    def durations(self) -> Array:
        """The second output, after no more stages than it takes."""
        return self._value(self._graph.outputs[1])

    def outputs(self) -> dict[str, Array]:
        """All outputs by name; other values are dropped."""
        self._values = {name: self._value(name) for name in self._graph.outputs}
        return dict(self._values)

    def _value(self, name: str) -> Array:
        while name not in self._values:
            stage = next(self._left)
            feeds = {taken: self._values[taken] for taken in stage.takes}
            self._values |= dict(zip(stage.gives, stage.session.run(list(stage.gives), feeds), strict=True))
            if stage.noise is not None and stage.like is not None:
                shape = self._values[stage.like].shape
                audible = next(self._audible)
                self._values[stage.noise] = self._noise.normal(shape) if audible else np.zeros(shape, np.float32)
        return self._values[name]


class Stages:
    """A graph that runs in stages, so that its noise comes from a seed and its durations are known before the audio.

    Args:
        model: the graph; its second output are the durations.
        threads: of each operator; 0 is ONNX Runtime's default.
    """

    def __init__(self, model: onnx.ModelProto, *, threads: int = 0) -> None:
        self.inputs = tuple(value.name for value in model.graph.input)
        self.outputs = tuple(value.name for value in model.graph.output)
        self.stages = list(_cut(model, threads))

    def start(self, feeds: Mapping[str, Array], noise: SeededNoise, audible: Sequence[bool]) -> GraphRun:
        """Begin a run.

        Args:
            feeds: the inputs by name.
            noise: draws it.
            audible: which of the last noises have a scale above zero; the others are zeros.
        """
        return GraphRun(self, feeds, noise, audible)


class _Node(NamedTuple):
    """A node with its names read once: each access to a protobuf message copies."""

    proto: onnx.NodeProto
    reads: tuple[str, ...]  # including those of its subgraphs
    makes: tuple[str, ...]

    @classmethod
    def of(cls, proto: onnx.NodeProto) -> "_Node":
        return cls(proto, tuple(_read(proto)), tuple(proto.output))


def _cut(model: onnx.ModelProto, threads: int) -> Iterator[_Stage]:
    """One stage for each split, with the nodes that no stage before has."""
    outputs = [value.name for value in model.graph.output]
    nodes = [_Node.of(node) for node in model.graph.node]
    weights = {weight.name: weight for weight in model.graph.initializer}
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    available = set(types)  # inputs, outputs of earlier stages, and noise
    rest = [node for node in nodes if node.proto.op_type != _NOISE]
    for last, drawn in [*_splits(nodes, outputs), (None, None)]:
        mine, rest = (rest, []) if last is None else _split(rest, last)
        made = {output for node in mine for output in node.makes}
        read = {name for node in mine for name in node.reads}
        takes = sorted(read & available)
        gives = sorted(made & {last, *outputs, *(name for node in rest for name in node.reads)})
        graph = onnx.helper.make_graph(
            [node.proto for node in mine],
            model.graph.name,
            [onnx.helper.make_tensor_value_info(name, types.get(name, _FLOAT), None) for name in takes],
            [onnx.ValueInfoProto(name=name) for name in gives],  # ONNX Runtime infers their types
            [weights[name] for name in sorted(read & weights.keys())],
        )
        session = open_apart(_model_of(model, graph), threads=threads)
        types |= {value.name: _element_type(value.type) for value in session.get_outputs()}
        yield _Stage(session, tuple(takes), tuple(gives), last, drawn)
        available |= made if drawn is None else {*made, drawn}


def _apart(
    weights: Iterable[onnx.TensorProto],
) -> tuple[list[onnx.TensorProto], dict[str, onnxruntime.OrtValue]]:
    """The weights of a graph, with large ones made external, and these by name: parsing them would be slow."""
    kept, large = [], dict[str, onnxruntime.OrtValue]()
    for weight in weights:
        content = weight.raw_data
        if len(content) < _LARGE_BYTES:
            kept.append(weight)
            continue
        values = np.frombuffer(content, onnx.helper.tensor_dtype_to_np_dtype(weight.data_type))
        large[weight.name] = onnxruntime.OrtValue.ortvalue_from_numpy(values.reshape(weight.dims))
        named = onnx.TensorProto(name=weight.name, data_type=weight.data_type, dims=weight.dims)
        named.data_location = onnx.TensorProto.EXTERNAL
        named.external_data.add(key="location", value="memory")
        kept.append(named)
    return kept, large


def _element_type(described: str) -> int:
    """ONNX's number of a type in ONNX Runtime's notation, such as tensor(int64)."""
    number: int = onnx.TensorProto.DataType.Value(described.removeprefix("tensor(").removesuffix(")").upper())
    return number


def _splits(nodes: Sequence[_Node], outputs: Sequence[str]) -> list[tuple[str, str | None]]:
    """Where a graph is split, in order: the last value before, and the noise to draw in its shape, if any."""
    splits: list[tuple[str, str | None]] = [
        (node.reads[0], node.makes[0]) for node in nodes if node.proto.op_type == _NOISE
    ]
    for output in outputs[1:2]:
        before, _ = _split(nodes, output)
        needed = {name for node in before for name in node.reads}
        first = max((index + 1 for index, (_, noise) in enumerate(splits) if noise in needed), default=0)
        splits.insert(first, (output, None))
    return splits


def _split(nodes: Sequence[_Node], *values: str) -> tuple[list[_Node], list[_Node]]:
    """The nodes that some values depend on, and the others."""
    wanted = set(values)
    before: list[_Node] = []
    after: list[_Node] = []
    for node in reversed(nodes):
        if wanted.isdisjoint(node.makes):
            after.append(node)
        else:
            wanted.update(node.reads)
            before.append(node)
    return before[::-1], after[::-1]


def _read(node: onnx.NodeProto) -> Iterator[str]:
    """The inputs of a node, including those of its subgraphs."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _read(inner)


def _with_nodes(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    inputs: Iterable[onnx.ValueInfoProto],
    outputs: Iterable[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    read = {name for node in nodes for name in _read(node)}
    weights = [weight for weight in model.graph.initializer if weight.name in read]
    return _model_of(model, onnx.helper.make_graph(nodes, model.graph.name, list(inputs), list(outputs), weights))


def _model_of(model: onnx.ModelProto, graph: onnx.GraphProto) -> onnx.ModelProto:
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
