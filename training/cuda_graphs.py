"""How a step is carried out: operation by operation, in compiled kernels, or recorded once and replayed.

The 2021 step is some 6000 operations, which Python launches one by one while a fast GPU waits. A CUDA graph launches
all of them at once. It is recorded for one shape of batch, reads its batch where the first one lay, and leaves its
result where the first one was left; the batches therefore come in few shapes (`data.batch.collate`).

Recording costs no step: the first batch of a shape is taught as usual, the second is recorded and then replayed.
"""

import copy
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from configs import InputError, TrainSettings
from data.batch import Batch

Result = TypeVar("Result")

_UNRECORDED = "training goes on as if train.execution had no graphs in it"
_MOST_RECORDINGS = 64  # each keeps a batch and what a driver needs to launch the step; the rest they share


def execution(
    step: Callable[[Batch], Result],
    settings: TrainSettings,
    *,
    dtype: torch.dtype,
    device: torch.device,
    ranks: int,
    networks: Sequence[nn.Module],
) -> Callable[[Batch], Result]:
    """The same step, carried out as `train.execution` says.

    Args:
        step: reads nothing but the batch and what lies on the device, and leaves tensors.
        settings: the train section.
        dtype: of convolutions and matrix products.
        device: of the step.
        ranks: that make it together.
        networks: that the step is made of.
    """
    compiled, replayed = "compiled" in settings.execution, "graphs" in settings.execution
    if compiled:
        step = Compiled(step, networks)
    if not replayed:
        return step
    obstacles = {
        f"the device is a {device.type}, not a GPU of CUDA": device.type != "cuda",
        f"train.accumulate = {settings.accumulate} looks back at the noise": settings.accumulate > 1,
        "fp16 keeps its scale's books in Python": dtype == torch.float16,
        f"{ranks} processes meet the same shapes at different steps": ranks > 1,
        "the alignment search needs Triton to run on the GPU": importlib.util.find_spec("triton") is None,
    }
    for reason, there in obstacles.items():
        if there:
            note(f"the step cannot be recorded ({reason}): {_UNRECORDED}")
            return step
    return Replayed(step, CudaRecorder(device))


class Recorder(Protocol):
    """Notes down what the device is asked to do."""

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """Note work down without doing it; return what does it, and where its result will be each time."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Where the same work is done unrecorded."""
        ...


class CudaRecorder:
    """CUDA graphs, which share one pool of memory, since one is replayed after the other.

    Args:
        device: a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        # Not the usual stream, on which nothing can be recorded. What autograd keeps of a step that was made there
        # would tie the recording to it, so all steps are made here.
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        # The thread that makes the next batches uses the device, too, and may.
        capture = torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local")
        with torch.cuda.device(self._stream.device), capture:
            result = work()
        return graph.replay, result

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See `Recorder`."""
        usual = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            yield
        usual.wait_stream(self._stream)


@dataclass(frozen=True)
class Recording(Generic[Result]):
    """A step that can be made again."""

    batch: Batch  # which it reads
    replay: Callable[[], None]
    result: Result  # which it writes


class Replayed(Generic[Result]):
    """A step that is recorded for each shape of batch and then replayed.

    Where there is no room for recordings, it says so once, and every step from there on is made as if nobody had asked.

    Args:
        step: reads nothing but the batch and what lies on the device, and leaves tensors.
        recorder: of the device.
    """

    def __init__(self, step: Callable[[Batch], Result], recorder: Recorder) -> None:
        self._step, self._recorder = step, recorder
        self._seen: set[tuple[object, ...]] = set()
        self._recordings: dict[tuple[object, ...], Recording[Result]] = {}
        self._given_up = False

    def __call__(self, batch: Batch) -> Result:
        """Make the step on one batch; the result holds until the next.

        Raises:
            InputError: the step cannot be recorded.
        """
        try:
            recording = None if self._given_up else self._recording(batch)
            with self._recorder.aside():
                if recording is None:
                    return self._step(batch)
                for kept, fresh in zip(_tensors(recording.batch), _tensors(batch), strict=True):
                    kept.copy_(fresh)
                recording.replay()
            return recording.result
        except torch.OutOfMemoryError:
            if self._given_up:
                raise
        # Recordings keep what the largest of them needs, and a step of a new shape needs as much again.
        self._given_up = True
        self._recordings.clear()
        note(f"there is no room for recorded steps: {_UNRECORDED}")
        return self(batch)

    def _recording(self, batch: Batch) -> Recording[Result] | None:
        """The recording for such a batch, made now where it is the second one of its shape; None for the first."""
        shape = _shape(batch)
        if shape not in self._recordings and shape in self._seen and len(self._recordings) < _MOST_RECORDINGS:
            own = copy.deepcopy(batch)
            try:
                replay, result = self._recorder.record(lambda: self._step(own))
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                # CUDA ends a recording that went wrong with an error of its own, and is in no state to go on.
                raise InputError(
                    f"the step cannot be recorded ({_first_line(error.__context__ or error)}): go on from the newest "
                    "checkpoint with train.execution=eager"
                ) from error
            self._recordings[shape] = Recording(own, replay, result)
        self._seen.add(shape)
        return self._recordings.get(shape)


class Compiled(Generic[Result]):
    """A step whose networks run in kernels that torch.compile makes of them.

    Where they cannot be compiled, it says so once, and they run as if nobody had asked.

    Args:
        step: of the networks.
        networks: which are compiled one by one, when they are first used.
    """

    def __init__(self, step: Callable[[Batch], Result], networks: Sequence[nn.Module]) -> None:
        self._step, self._networks = step, networks
        self._proven = False

    def __call__(self, batch: Batch) -> Result:
        """Make the step on one batch."""
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


def note(sentence: str) -> None:
    """Print a note to standard error."""
    print(f"note: {sentence}", file=sys.stderr, flush=True)


def _tensors(batch: Batch) -> list[Tensor]:
    values = (getattr(batch, field.name) for field in fields(batch))
    return [value for value in values if isinstance(value, Tensor)]


def _shape(batch: Batch) -> tuple[object, ...]:
    return tuple(value.shape for value in _tensors(batch))


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
