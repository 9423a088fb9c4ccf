"""What a step makes the machine do, counted operation by operation as torch dispatches it.

FLOPs are those of convolutions and matrix products (two per multiply-add; element by element work and Fourier
transforms count none), bytes those that each operation reads and writes when nothing stays in a cache. A host wait is
an operation that cannot give its answer before the device has: reading a value, a copy between host and device, and
every operation whose result has a size that depends on values. The waits are also found on a CPU, where nothing waits:
what is counted there is what would wait on a GPU.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
_READS_A_VALUE = {"cpu", "item", "tolist", "__bool__", "__float__", "__int__", "__index__"}
_SIZE_DEPENDS_ON_VALUES = {
    *(aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten.equal),
    *(aten._unique, aten._unique2, aten.unique_dim, aten.unique_consecutive),
}
_INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
_COPIES = {aten._to_copy, aten.copy_}
_ALLOCATIONS = {aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided}


@dataclass
class Count:
    """What was done, in all."""

    flops: int = 0
    bytes: int = 0
    dispatches: int = 0  # operations that compute or move something; views do not
    waits: Counter[str] = field(default_factory=Counter)  # by the name of what waits


@contextmanager
def counting(part: Callable[[], str] = lambda: "") -> Iterator[Mapping[str, Count]]:
    """Count everything that happens inside, under the name of the part that is at work when it happens."""
    counts: defaultdict[str, Count] = defaultdict(Count)
    dispatched = _Dispatched(counts, part)
    with dispatched, _Asked(dispatched):
        yield counts


class _Dispatched(TorchDispatchMode):
    """Counts what reaches the device."""

    def __init__(self, counts: defaultdict[str, Count], part: Callable[[], str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts, self.part = counts, part
        self.asked = False  # inside a call that is counted as a wait already

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            count = self.counts[self.part()]
            count.dispatches += 1
            count.flops += flops(func, args, kwargs or {}, out)
            count.bytes += moved_bytes(func, args, kwargs or {}, out)
            if not self.asked and _waits(func, args, kwargs or {}, out):
                count.waits[func._overloadpacket.__name__] += 1
        return out


class _Asked(TorchFunctionMode):
    """Counts what Python asks a tensor for: on a CPU some of it, such as `.cpu()`, never reaches the dispatcher."""

    def __init__(self, dispatched: _Dispatched) -> None:
        super().__init__()
        self.dispatched = dispatched

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        targets = (*args[1:], *(kwargs or {}).values())
        to_host = name == "to" and any(isinstance(target, str) and target == "cpu" for target in targets)
        if not (to_host or name in _READS_A_VALUE) or self.dispatched.asked:
            return func(*args, **(kwargs or {}))
        self.dispatched.counts[self.dispatched.part()].waits[name] += 1
        self.dispatched.asked = True
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.dispatched.asked = False


def flops(func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> int:
    """FLOPs of one operation.

    Convolutions are counted here: for the gradient of a grouped convolution's weight, torch's own counter says
    `groups` times too much.
    """
    packet = func._overloadpacket
    if packet is aten.convolution:
        return _convolution_flops(x=args[0], weight=args[1], y=out, transposed=args[6])
    if packet is aten.convolution_backward:
        gradient, x, weight, transposed, wanted = args[0], args[1], args[2], args[7], args[10]
        return sum(wanted[:2]) * _convolution_flops(x=x, weight=weight, y=gradient, transposed=transposed)
    if packet in flop_registry:
        counted: int = flop_registry[packet](*args, **kwargs, out_val=out)
        return counted
    return 0


def _convolution_flops(*, x: Tensor, weight: Tensor, y: Tensor, transposed: bool) -> int:
    """Every place of the smaller rate meets every weight once; forward and both gradients cost the same."""
    places = (x if transposed else y).shape[2:]
    return 2 * x.shape[0] * math.prod(places) * weight.numel()


def moved_bytes(func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> int:
    """Bytes that one operation reads and writes."""
    if func._overloadpacket in _ALLOCATIONS:
        return 0
    written = tree_leaves(out)
    if not any(isinstance(leaf, Tensor) for leaf in written):
        # An operation on lists changes its arguments and returns nothing.
        changed = [
            argument.alias_info is not None and argument.alias_info.is_write for argument in func._schema.arguments
        ]
        written = tree_leaves([value for value, is_changed in zip(args, changed, strict=False) if is_changed])
    return sum(_bytes(leaf) for leaf in (*tree_leaves((args, dict(kwargs))), *written) if isinstance(leaf, Tensor))


def _bytes(tensor: Tensor) -> int:
    # What is expanded is read from where it is small.
    return min(tensor.numel() * tensor.itemsize, tensor.untyped_storage().nbytes())


def _waits(func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> bool:
    packet = func._overloadpacket
    if packet in _SIZE_DEPENDS_ON_VALUES or (packet is aten.repeat_interleave and kwargs.get("output_size") is None):
        return True
    if packet in _INDEXING:
        return any(isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in args[1])
    if packet in _COPIES:
        blocking = not (kwargs.get("non_blocking") or (packet is aten.copy_ and len(args) > 2 and args[2]))
        source = args[1] if packet is aten.copy_ else args[0]
        return blocking and source.device.type != out.device.type
    return False
