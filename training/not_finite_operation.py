"""The first operation of a step whose result is not finite although what it was given is."""

import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_HOUSE = Path(__file__).resolve().parents[1]
_TRACED = re.compile(r'File "(.+?)", line (\d+)')


class Worst(IntEnum):
    """What is worst among some numbers."""

    FINITE = 0
    INFINITE = 1
    NAN = 2


@dataclass(frozen=True)
class Culprit:
    """An operation whose result is not finite."""

    operation: str  # such as aten.exp.default
    result: Worst
    module: str  # whose forward pass it belongs to, such as synthesizer.flow.couplings.0; empty outside of all
    backward: bool  # whether it is of the backward pass; the place is then that of the operation it belongs to
    place: str  # our line, such as losses/variational.py:36

    def __str__(self) -> str:
        where = f" in {self.module}" if self.module else ""
        value = "NaN" if self.result is Worst.NAN else "an infinite value"
        step = "the backward pass" if self.backward else "the forward pass"
        return f"the first result that is not finite is {value} of {self.operation} in {step}, at {self.place}{where}"


class NotFiniteError(ArithmeticError):
    """An operation made what is not finite."""

    def __init__(self, culprit: Culprit) -> None:
        super().__init__(str(culprit))
        self.culprit = culprit


@contextmanager
def refusing_not_finite(networks: Mapping[str, nn.Module]) -> Iterator[None]:
    """Run forward and backward passes with every operation looked at, in autograd's anomaly detection.

    Args:
        networks: whose modules are named where an operation belongs to one.

    Raises:
        NotFiniteError: an operation that was given finite numbers made a number that is not. Numbers that are infinite
            on purpose, such as the constant of a mask, are given ones.
    """
    watch = _Watch()
    with ExitStack() as stack:
        for network_name, network in networks.items():
            for name, module in network.named_modules(prefix=network_name):
                enter = module.register_forward_pre_hook(lambda *_, name=name: watch.modules.append(name))
                leave = module.register_forward_hook(lambda *_: watch.modules.pop() and None, always_call=False)
                stack.callback(enter.remove)
                stack.callback(leave.remove)
        # Autograd would print its own trace beside ours.
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(torch.autograd.set_detect_anomaly(True))
        stack.enter_context(watch)
        yield


class _Watch(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.modules: list[str] = []  # whose forward passes are running, the innermost last

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        options = options or {}
        before = _worst((arguments, options))
        result = operation(*arguments, **options)
        made = (result, arguments) if operation._schema.is_mutable else result
        # Memory that was only asked for may hold anything.
        if "empty" not in str(operation) and _worst(made) > before:
            node: Any = torch._C._current_autograd_node()
            raise NotFiniteError(
                Culprit(
                    operation=str(operation),
                    result=_worst(made),
                    module="" if node is not None or not self.modules else self.modules[-1],
                    backward=node is not None,
                    place=_place_here() if node is None else _place_of(node.metadata.get("traceback_", [])),
                )
            )
        return result


def _worst(tree: Any) -> Worst:
    """The worst number in tensors and constants."""
    worst = Worst.FINITE
    for leaf in tree_leaves(tree):
        number = isinstance(leaf, float)
        if not number and not (isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex())):
            continue
        values = torch.tensor(leaf) if number else leaf
        if not bool(values.isfinite().all()):
            worst = max(worst, Worst.NAN if bool(values.isnan().any()) else Worst.INFINITE)
    return worst


def _place_here() -> str:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        place = _ours(frame.f_code.co_filename, frame.f_lineno)
        if place is not None and frame.f_code.co_filename != __file__:
            return place
        frame = frame.f_back
    return "an unknown place"


def _place_of(trace: list[str]) -> str:
    """Where the forward operation stands, after the trace that anomaly detection keeps of it."""
    places = [_ours(file, int(line)) for part in trace for file, line in _TRACED.findall(part) if file != __file__]
    return next((place for place in reversed(places) if place is not None), "an unknown place")


def _ours(file: str, line: int) -> str | None:
    path = Path(file)
    if "site-packages" in path.parts or not path.is_relative_to(_HOUSE):
        return None
    return f"{path.relative_to(_HOUSE)}:{line}"
