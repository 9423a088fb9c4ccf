"""Which part of a training step is at work, forward and backward, without a line in the model for it.

Hooks on the named networks and wrapped functions say where a part begins and ends. What autograd noted down in between
belongs to the part as well: every node of its graph is marked, and says so when its turn comes in the backward pass.
One part follows another without a gap, so their times add up to the step.
"""

import functools
import importlib
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Protocol
from unittest import mock

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from train import Trainer

OTHER = "other"
DISCRIMINATOR_STEP, DISCRIMINATOR_FROZEN = "D step", "D in G step"
PARTS = (
    *("text encoder", "posterior encoder", "flow", "durations", "alignment", "decoder"),
    *(DISCRIMINATOR_STEP, DISCRIMINATOR_FROZEN, "mel", "optimizers", OTHER),
)
# Names are looked up where the step looks them up. One that is gone there is no part any more.
_FUNCTIONS = {
    "models.synthesizer": dict.fromkeys(("alignment_scores", "search_durations", "_expand_prior"), "alignment"),
    "train": {
        "discriminator_loss": DISCRIMINATOR_STEP,
        "generator_loss": DISCRIMINATOR_FROZEN,
        "feature_loss": DISCRIMINATOR_FROZEN,
        "mel_loss": "mel",
        "update_ema": "optimizers",
    },
    "torch.nn.utils": dict.fromkeys(("get_total_norm", "clip_grads_with_norm_"), "optimizers"),
}


class Clock(Protocol):
    """Tells the time where the work is done."""

    def mark(self) -> Any:
        """This moment."""
        ...

    def resume(self, *, backward: bool = False) -> Any:
        """The moment from which time counts again, after some that shall not."""
        ...

    def milliseconds(self, start: Any, end: Any) -> float:
        """Time between two moments."""
        ...


class HostClock:
    """The time of a device that computes while Python waits for it."""

    def mark(self) -> float:
        """This moment, in seconds."""
        return time.perf_counter()

    def resume(self, *, backward: bool = False) -> float:
        """This moment."""
        return self.mark()

    def milliseconds(self, start: float, end: float) -> float:
        """Time between two moments."""
        return (end - start) * 1000


class CudaClock:
    """The time of a GPU, which computes after Python has gone on.

    Whenever time resumes, the GPU first does nothing for a while. So Python is always ahead of it, and what is measured
    is how long the GPU computes, never how long it waits for Python.
    """

    cycles, cycles_backward = 6_000_000, 100_000_000  # about 3 and 55 milliseconds

    def mark(self) -> torch.cuda.Event:
        """This moment in the GPU's queue."""
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def resume(self, *, backward: bool = False) -> torch.cuda.Event:
        """The moment after a pause."""
        torch.cuda._sleep(self.cycles_backward if backward else self.cycles)
        return self.mark()

    def milliseconds(self, start: torch.cuda.Event, end: torch.cuda.Event) -> float:
        """Time between two moments; waits for the second."""
        end.synchronize()
        return start.elapsed_time(end)


class Parts:
    """Follows training steps; `current` is the part that is at work, `spans` is how long each was.

    Args:
        clock: tells the time; without one nothing is timed.
    """

    _serial = itertools.count()

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock
        self.current = OTHER
        self.spans: list[tuple[str, Any, Any]] = []
        self._outer: list[str] = []
        self._key = f"part {next(self._serial)}"  # a node may outlive the one who marked it
        self._started: Any = None
        self._watching = False

    @contextmanager
    def watching(self, trainer: Trainer) -> Iterator[None]:
        """Follow the steps of this trainer that are made inside, by whatever function."""
        with ExitStack() as stack:
            for part, modules in _modules(trainer).items():
                for watched in modules:
                    self._watch_module(stack, watched, functools.partial(_always, part))
            self._watch_module(stack, trainer.discriminator, _discriminator_part)
            self._watch_comparing(stack, trainer.discriminator)
            for optimizer in (trainer.synthesizer_optimizer, trainer.discriminator_optimizer):
                before = optimizer.register_step_pre_hook(lambda *_: self.enter("optimizers"))
                after = optimizer.register_step_post_hook(lambda *_: self.leave())
                stack.callback(before.remove)
                stack.callback(after.remove)
            for place, functions in _FUNCTIONS.items():
                module = importlib.import_module(place)
                for name, part in functions.items():
                    if hasattr(module, name):
                        wrapped = self._wrapped(getattr(module, name), functools.partial(_always, part))
                        stack.enter_context(mock.patch.object(module, name, wrapped))
            stack.enter_context(mock.patch.object(Tensor, "backward", self._wrapped_backward(Tensor.backward)))
            self._watching = True
            self._started = self.clock.resume() if self.clock else None
            try:
                yield
            finally:
                self._close_span()
                self._watching = False

    def milliseconds(self) -> dict[str, float]:
        """Time of each part so far."""
        assert self.clock is not None
        total: defaultdict[str, float] = defaultdict(float)
        for part, start, end in self.spans:
            total[part] += self.clock.milliseconds(start, end)
        return dict(total)

    def enter(self, part: str, inputs: object = (), *, backward: bool = False) -> None:
        """A part begins; what its inputs were made of belongs to whoever was at work before."""
        with self._aside(backward=backward):
            self._mark_graph(inputs)
            self._outer.append(self.current)
            self.current = part

    def leave(self, outputs: object = ()) -> None:
        """The newest part ends; what its outputs were made of is its own."""
        with self._aside():
            self._mark_graph(outputs)
            self.current = self._outer.pop()

    def _switch(self, part: str) -> None:
        if self._watching and part != self.current:
            self._close_span()
            self.current = part

    def _close_span(self) -> None:
        if self.clock is not None:
            now = self.clock.mark()
            self.spans.append((self.current, self._started, now))
            self._started = now

    @contextmanager
    def _aside(self, *, backward: bool = False) -> Iterator[None]:
        """What happens inside is not part of the step."""
        self._close_span()
        yield
        if self.clock is not None:
            self._started = self.clock.resume(backward=backward)

    def _mark_graph(self, results: object) -> None:
        """Give every node that nobody owns yet, and that led to these results, to the current part."""
        part, pending = self.current, [tensor.grad_fn for tensor in tensors_in(results)]
        while pending:
            node: Node | None = pending.pop()
            if node is None:
                continue
            marks: dict[str, str] = node.metadata  # type: ignore[assignment]  # declared as a method, and is none
            if self._key in marks:
                continue
            marks[self._key] = part
            node.register_prehook(lambda gradients, part=part: self._switch(part))
            pending += [before for before, _ in node.next_functions]

    def _watch_module(self, stack: ExitStack, module: nn.Module, part_of: Callable[[nn.Module], str]) -> None:
        def begin(module: nn.Module, args: Any, kwargs: Any) -> None:
            self.enter(part_of(module), (args, kwargs))

        def end(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            self.leave(output)

        stack.callback(module.register_forward_pre_hook(begin, with_kwargs=True).remove)
        stack.callback(module.register_forward_hook(end, with_kwargs=True).remove)

    def _watch_comparing(self, stack: ExitStack, discriminator: nn.Module) -> None:
        """Judging real and decoded audio in one pass is a method of its own, which hooks do not see."""
        compare = getattr(discriminator, "compare", None)
        if compare is not None:
            wrapped = self._wrapped(compare, functools.partial(_discriminator_part, discriminator))
            stack.enter_context(mock.patch.object(discriminator, "compare", wrapped))

    def _wrapped(self, function: Callable[..., Any], part_of: Callable[[], str]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self.enter(part_of(), (args, kwargs))
            result = function(*args, **kwargs)
            self.leave(result)
            return result

        return call

    def _wrapped_backward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def backward(loss: Tensor, *args: Any, **kwargs: Any) -> None:
            self.enter(OTHER, loss, backward=True)
            function(loss, *args, **kwargs)
            self.leave()

        return backward


def tensors_in(value: object) -> Iterator[Tensor]:
    """Every tensor in a value, however deep."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif is_dataclass(value):
        yield from tensors_in([getattr(value, name.name) for name in fields(value)])


def _modules(trainer: Trainer) -> dict[str, list[nn.Module]]:
    synthesizer = trainer.synthesizer
    return {
        "text encoder": [synthesizer.text_encoder],
        "posterior encoder": [synthesizer.posterior_encoder],
        "flow": [synthesizer.flow],
        "durations": [synthesizer.duration_predictor],
        "decoder": [synthesizer.decoder],
        "mel": [trainer.features.mel, trainer.features.linear, trainer.features.mel_scale],
    }


def _always(part: str, *_: nn.Module) -> str:
    return part


def _discriminator_part(discriminator: nn.Module) -> str:
    learns = any(parameter.requires_grad for parameter in discriminator.parameters())
    return DISCRIMINATOR_STEP if learns else DISCRIMINATOR_FROZEN


def clock_of(device: torch.device) -> Clock:
    """The clock that tells the time of this device."""
    return CudaClock() if device.type == "cuda" else HostClock()
