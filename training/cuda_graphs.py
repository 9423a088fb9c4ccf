"""How a training step is executed: eagerly, compiled by torch.compile, or captured as a CUDA graph and replayed.

The step of VITS is some 6000 operations, which Python launches one by one while a fast GPU waits. A CUDA graph launches
all of them at once. It is captured for one shape of batch, reads its batch from the memory of the first one and writes
its result where the first result lies; batches are therefore padded to few shapes (`data.batch.collate`).

Capture costs no step: the first batch of a shape is run eagerly, the second is captured and then replayed.
"""

import copy
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from configs import InputError, TrainSettings
from configs.errors import note
from data.batch import Batch

Result = TypeVar("Result")

_WITHOUT_GRAPHS = "training goes on as if train.execution had no graphs in it"
_MOST_GRAPHS = 64  # each keeps a batch and what a driver needs to launch the step; the rest they share


def execution(
    step: Callable[[Batch], Result],
    settings: TrainSettings,
    *,
    dtype: torch.dtype,
    device: torch.device,
    ranks: int,
    networks: Sequence[nn.Module],
    differentiated_twice: Sequence[nn.Module] = (),
    discriminator_later: bool = False,
) -> Callable[[Batch], Result]:
    """The same step, executed as `train.execution` says.

    Args:
        step: reads only the batch and tensors on the device, and returns tensors.
        settings: the train section.
        dtype: of convolutions and matrix products.
        device: of the step.
        ranks: processes that train together.
        networks: of the step, which are compiled.
        differentiated_twice: those of them that torch.compile cannot compile, for it differentiates once.
        discriminator_later: whether the first steps are without the discriminator.
    """
    compiled, replayed = "compiled" in settings.execution, "graphs" in settings.execution
    if compiled:
        if differentiated_twice:
            note("the discriminator is not compiled: a gradient penalty differentiates it twice")
        step = CompiledStep(step, [network for network in networks if network not in differentiated_twice])
    if not replayed:
        return step
    obstacles = {
        f"the device is a {device.type}, not a GPU of CUDA": device.type != "cuda",
        f"train.accumulate = {settings.accumulate} restores the random state": settings.accumulate > 1,
        "fp16 updates its loss scale in Python": dtype == torch.float16,
        f"{ranks} processes see a shape at different steps": ranks > 1,
        "train.freeze ends at a step": any(until != "always" for until in settings.freeze.values()),
        "train.initial_alignment_steps ends at a step": settings.initial_alignment_steps > 0,
        "loss.schedule brings the discriminator in at a step": discriminator_later,
        "a gradient penalty differentiates twice": bool(differentiated_twice),
        "the alignment search needs Triton to run on the GPU": importlib.util.find_spec("triton") is None,
    }
    for reason, there in obstacles.items():
        if there:
            note(f"the step cannot be captured ({reason}): {_WITHOUT_GRAPHS}")
            return step
    return GraphedStep(step, CudaCapture(device))


class StepCapture(Protocol):
    """Captures the work of a device."""

    def capture(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """Capture work without running it; return a function that runs it, and the result that it writes."""
        ...

    def side_stream(self) -> AbstractContextManager[None]:
        """The stream on which the same work runs eagerly."""
        ...


class CudaCapture:
    """CUDA graphs, which share a memory pool, since one is replayed after the other.

    Args:
        device: a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        # Nothing can be captured on the default stream. What autograd keeps of a step that ran there would tie a graph
        # to that stream, so all steps run on this one.
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def capture(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """See `StepCapture`."""
        graph = torch.cuda.CUDAGraph()
        # The prefetching thread uses the device meanwhile.
        capture = torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local")
        with torch.cuda.device(self._stream.device), capture:
            result = work()
        return graph.replay, result

    @contextmanager
    def side_stream(self) -> Iterator[None]:
        """See `StepCapture`."""
        usual = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            yield
        usual.wait_stream(self._stream)


@dataclass(frozen=True)
class CapturedStep(Generic[Result]):
    """A step that can be replayed."""

    batch: Batch  # which it reads
    replay: Callable[[], None]
    result: Result  # which it writes


class GraphedStep(Generic[Result]):
    """A step that is captured for each shape of batch and then replayed.

    Where graphs do not fit the memory, it prints a note once, and every further step is run eagerly.

    Args:
        step: reads only the batch and tensors on the device, and returns tensors.
        capture: of the device.
    """

    def __init__(self, step: Callable[[Batch], Result], capture: StepCapture) -> None:
        self._step, self._capture = step, capture
        self._seen: set[tuple[object, ...]] = set()
        self._captured: dict[tuple[object, ...], CapturedStep[Result]] = {}
        self._given_up = False

    def __call__(self, batch: Batch) -> Result:
        """Run the step on one batch; the result is valid until the next.

        Raises:
            InputError: the step cannot be captured.
        """
        try:
            captured = None if self._given_up else self._captured_step(batch)
            with self._capture.side_stream():
                if captured is None:
                    return self._step(batch)
                for kept, fresh in zip(_tensors(captured.batch), _tensors(batch), strict=True):
                    kept.copy_(fresh)
                captured.replay()
            return captured.result
        except torch.OutOfMemoryError:
            if self._given_up:
                raise
        # The graphs keep the memory of the largest of them, and a step of a new shape needs as much again.
        self._given_up = True
        self._captured.clear()
        note(f"CUDA graphs do not fit the memory: {_WITHOUT_GRAPHS}")
        return self(batch)

    def _captured_step(self, batch: Batch) -> CapturedStep[Result] | None:
        """The graph for this shape of batch, captured now if it is the second of its shape; None for the first."""
        shape = _shape(batch)
        if shape not in self._captured and shape in self._seen and len(self._captured) < _MOST_GRAPHS:
            own = copy.deepcopy(batch)
            try:
                replay, result = self._capture.capture(lambda: self._step(own))
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                # CUDA ends a failed capture with an error of its own, and cannot go on.
                raise InputError(
                    f"the step cannot be captured ({_first_line(error.__context__ or error)}): go on from the newest "
                    "checkpoint with train.execution=eager"
                ) from error
            self._captured[shape] = CapturedStep(own, replay, result)
        self._seen.add(shape)
        return self._captured.get(shape)


class CompiledStep(Generic[Result]):
    """A step whose networks are compiled by torch.compile.

    Where they cannot be compiled, it prints a note once, and they run eagerly.

    Args:
        step: of the networks.
        networks: which are compiled one by one, when they are first used.
    """

    def __init__(self, step: Callable[[Batch], Result], networks: Sequence[nn.Module]) -> None:
        self._step, self._networks = step, networks
        self._proven = False

    def __call__(self, batch: Batch) -> Result:
        """Run the step on one batch."""
        if self._proven:
            return self._step(batch)
        for network in self._networks:  # not before: what comes before the first step need not wait for a compiler
            network.compile(dynamic=True)  # batches come in many lengths
        try:
            result = self._step(batch)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a compiler may raise; what is wrong with the step itself comes again
            for network in self._networks:
                network._compiled_call_impl = None
            note(f"the networks cannot be compiled ({_first_line(error)}): train.execution goes on without it")
            result = self._step(batch)
        self._proven = True
        return result


def _tensors(batch: Batch) -> list[Tensor]:
    values = (getattr(batch, field.name) for field in fields(batch))
    return [value for value in values if isinstance(value, Tensor)]


def _shape(batch: Batch) -> tuple[object, ...]:
    return tuple(value.shape for value in _tensors(batch))


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
