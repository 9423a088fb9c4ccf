"""The noise of a graph, taken out of it: ONNX Runtime draws it where nobody can seed or see it.

`with_noise_inputs` makes it an input, for the same graph with known noise. `Stages` cuts a graph where noise enters,
because how much a node draws is known only once what comes before has run; the noise between is then drawn from a seed,
in the order in which `Synthesizer` draws it, so that a seed means the same here and there. It also cuts behind the
durations, because what comes next takes memory in proportion to them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from models.seeded_noise import SeededNoise

Array = NDArray[Any]

_NOISE = "RandomNormalLike"
_FLOAT = onnx.TensorProto.FLOAT
_LARGE_BYTES = 8192  # of a weight that can be no shape and no axis


def open_session(
    model: onnx.ModelProto | str,
    *,
    threads: int = 0,
    optimised: bool = True,
    weights: Mapping[str, onnxruntime.OrtValue] | None = None,
    spinning: bool = False,
) -> onnxruntime.InferenceSession:
    """A session on the CPU.

    Args:
        model: a graph, or the file it is in.
        threads: of each operator; 0 leaves their number open.
        optimised: whether ONNX Runtime may rewrite the graph.
        weights: those that the graph names and does not hold.
        spinning: whether threads wait for work in a busy loop, ONNX Runtime's default, which takes a third of all
            processor time here and is slower where the machine has other work.
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
    """A copy whose noise comes from outside, and the names of these inputs in the order in which it is needed.

    With the name of the whole durations (int64), these come from outside too.
    """
    noises = [node.output[0] for node in model.graph.node if node.op_type == _NOISE]
    inputs = [onnx.helper.make_tensor_value_info(name, _FLOAT, None) for name in noises]
    if durations is not None:
        inputs.append(onnx.helper.make_tensor_value_info(durations, onnx.TensorProto.INT64, None))
    nodes = [node for node in model.graph.node if not {*noises, durations} & set(node.output)]
    return _with_nodes(model, nodes, [*model.graph.input, *inputs], model.graph.output), noises


def up_to(model: onnx.ModelProto, output: str) -> onnx.ModelProto:
    """A copy that makes one of the outputs and nothing that it does not follow from."""
    nodes, _ = _split([_Node.of(node) for node in model.graph.node], output)
    read = {name for node in nodes for name in node.reads}
    inputs = [value for value in model.graph.input if value.name in read]
    outputs = [value for value in model.graph.output if value.name == output]
    return _with_nodes(model, [node.proto for node in nodes], inputs, outputs)


def run_graph(session: onnxruntime.InferenceSession, feeds: Mapping[str, Array]) -> list[Array]:
    """All outputs; what is fed and not an input of this graph is left aside."""
    wanted = {value.name for value in session.get_inputs()}
    outputs: list[Array] = session.run(None, {name: value for name, value in feeds.items() if name in wanted})
    return outputs


@dataclass(frozen=True)
class _Stage:
    session: onnxruntime.InferenceSession
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    like: str | None  # the value whose shape the next noise has
    noise: str | None  # its name; without one, the next stage follows at once


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
        """All outputs by name."""
        return {name: self._value(name) for name in self._graph.outputs}

    def _value(self, name: str) -> Array:
        while name not in self._values:
            stage = next(self._left)
            made = stage.session.run(list(stage.gives), {taken: self._values[taken] for taken in stage.takes})
            self._values |= dict(zip(stage.gives, made, strict=True))
            if stage.noise is not None and stage.like is not None:
                shape = self._values[stage.like].shape
                audible = next(self._audible)
                self._values[stage.noise] = self._noise.normal(shape) if audible else np.zeros(shape, np.float32)
        return self._values[name]


class Stages:
    """A graph that runs in stages, so that its noise comes from a seed and its durations are known before the audio.

    Args:
        model: the graph; its outputs are the audio and then the durations.
        threads: of each operator; 0 leaves their number open.
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
    """A node, and the names that are asked for again and again: each access to a protobuf message copies."""

    proto: onnx.NodeProto
    reads: tuple[str, ...]  # in its branches too
    makes: tuple[str, ...]

    @classmethod
    def of(cls, proto: onnx.NodeProto) -> "_Node":
        return cls(proto, tuple(_read(proto)), tuple(proto.output))


def _cut(model: onnx.ModelProto, threads: int) -> Iterator[_Stage]:
    """One stage up to each place where the graph is cut; each has the nodes that none before has."""
    outputs = [value.name for value in model.graph.output]
    nodes = [_Node.of(node) for node in model.graph.node]
    weights = {weight.name: weight for weight in model.graph.initializer}
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    available = set(types)  # what stages may take: inputs, what was made, and noise
    rest = [node for node in nodes if node.proto.op_type != _NOISE]
    for last, drawn in [*_places(nodes, outputs), (None, None)]:
        mine, rest = (rest, []) if last is None else _split(rest, last)
        made = {output for node in mine for output in node.makes}
        read = {name for node in mine for name in node.reads}
        takes = sorted(read & available)
        gives = sorted(made & {last, *outputs, *(name for node in rest for name in node.reads)})
        part, own = _apart(weights[name] for name in sorted(read & weights.keys()))
        graph = onnx.helper.make_graph(
            [node.proto for node in mine],
            model.graph.name,
            [onnx.helper.make_tensor_value_info(name, types.get(name, _FLOAT), None) for name in takes],
            [onnx.ValueInfoProto(name=name) for name in gives],  # ONNX Runtime infers their types
            part,
        )
        session = open_session(_model_of(model, graph), threads=threads, weights=own)
        types |= {value.name: _element_type(value.type) for value in session.get_outputs()}
        yield _Stage(session, tuple(takes), tuple(gives), last, drawn)
        available |= made if drawn is None else {*made, drawn}


def _apart(
    weights: Iterable[onnx.TensorProto],
) -> tuple[list[onnx.TensorProto], dict[str, onnxruntime.OrtValue]]:
    """Weights for a graph, the large ones only named, and these by name: parsing them takes as long as optimising."""
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
    """ONNX's number of a type that ONNX Runtime describes as tensor(int64)."""
    number: int = onnx.TensorProto.DataType.Value(described.removeprefix("tensor(").removesuffix(")").upper())
    return number


def _places(nodes: Sequence[_Node], outputs: Sequence[str]) -> list[tuple[str, str | None]]:
    """Where a graph is cut, in order: behind which value, and what noise is then drawn in its shape, if any."""
    places: list[tuple[str, str | None]] = [
        (node.reads[0], node.makes[0]) for node in nodes if node.proto.op_type == _NOISE
    ]
    for output in outputs[1:]:
        before, _ = _split(nodes, output)
        needed = {name for node in before for name in node.reads}
        first = max((index + 1 for index, (_, noise) in enumerate(places) if noise in needed), default=0)
        places.insert(first, (output, None))
    return places


def _split(nodes: Sequence[_Node], value: str) -> tuple[list[_Node], list[_Node]]:
    """The nodes that a value follows from, and the others."""
    wanted = {value}
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
    """What a node reads, in its branches too."""
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
