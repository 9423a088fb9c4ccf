"""Networks of shapes alone, to be given the weights of a file: nothing is allocated, drawn or computed for them.

On the meta device torch works out the shapes of a norm in Python, for which it imports its compiler: two
seconds of each start of infer.py. What that would find is known here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_OF_THE_SAME_SHAPE = (torch._weight_norm, torch.Tensor.div, torch.Tensor.__truediv__)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Build modules on the meta device; their weight norms may be folded here too."""
    with torch.device("meta"), _KnownShapes():
        yield


class _KnownShapes(TorchFunctionMode):
    """Initialises nothing, and computes no weight norm and no scale."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.randn:
            return torch.empty(*args)
        if func is torch.norm_except_dim:
            direction, _, dim = args
            return torch.empty([size if axis == dim else 1 for axis, size in enumerate(direction.shape)])
        if func in _OF_THE_SAME_SHAPE and args[0].is_meta:
            return torch.empty(args[0].shape, requires_grad=args[0].requires_grad)
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))
