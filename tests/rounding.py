"""How far a float32 result may be from the true one, derived from its epsilon and the length of its sums.

Every processor, library and number of threads adds the products of a convolution in an order of its own, and each order
rounds differently. A tolerance that was read off one machine therefore fails on the next. Three ways to state one that
does not:

- An algebraic identity (padding changes nothing, pieces are the whole, two implementations agree) is tested in float64:
  `float64()` lets code that insists on float32 compute in float64, and `assert_same` allows for `SAME`.
- A linear map (a Fourier transform, a filter bank) is compared with a float64 oracle, element by element: the error is
  at most `growth(terms)` times the same map of the magnitudes, sum |a_i| |b_i|.
- A network whose float32 result is compared, because a float32 program such as ONNX Runtime made it: `exactly` gives
  its float64 result and the bound for float32.
"""

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from typing import TypeVar
from unittest import mock

import torch
from torch import Tensor, nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)

UNIT = torch.finfo(torch.float32).eps / 2
# Relative to the largest value. Float64 rounds to 1e-16: a million of its units are left for long sums, cancellation
# and steep functions, and a float32 step anywhere in the computation would cost 600 times as much.
SAME = 1e-10

_CONFIDENCE = 8.0
_DRAWS = 3


def growth(terms: int) -> float:
    """The error of a float32 sum of products in any order, relative to the sum of their magnitudes.

    The smaller of two bounds: n u, which always holds (Higham, 2002, equation 3.5), and lambda sqrt(n) u, which holds
    for rounding errors of mean zero except with probability 2 n exp(-lambda^2 / 2), here 3e-14 n (Higham & Mary, 2019,
    theorem 2.4).

    Args:
        terms: the roundings on the way to one result: the products of the longest sum, and one for each step around it.
    """
    return math.expm1(min(terms, _CONFIDENCE * math.sqrt(terms)) * UNIT)


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Compute in float64 what is written to compute in float32: new tensors and `Tensor.float` are float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.object(Tensor, "float", Tensor.double):
            yield
    finally:
        torch.set_default_dtype(before)


def in_float64(module: ModuleT) -> ModuleT:
    """A copy of a module in float64."""
    return copy.deepcopy(module).double()


def assert_same(ours: Tensor, theirs: Tensor, *, bound: Tensor | float = 0.0) -> None:
    """Compare two results, by default of float64.

    Args:
        ours: of any shape.
        theirs: of the same shape.
        bound: how far float32 may be from the truth, as a number or for each element; 0 for two float64 results.
    """
    assert ours.shape == theirs.shape
    ours, theirs = ours.detach().double(), theirs.detach().double()
    assert bool((ours.isfinite() & theirs.isfinite()).all()), "not finite"
    largest = float(theirs.abs().max()) if theirs.numel() else 0.0
    allowed = torch.as_tensor(bound, dtype=torch.float64) + SAME * max(1.0, largest)
    excess = (ours - theirs).abs() / allowed
    assert not (excess > 1).any(), f"{float(excess.max()):.3g} times what rounding explains"


@torch.no_grad()
def exactly(module: ModuleT, run: Callable[[ModuleT], Tensor]) -> tuple[Tensor, float]:
    """The float64 result of a network, and how far a float32 result may be from it anywhere.

    A layer in float32 is the exact layer with weights that differ by at most `growth(fan-in)` of themselves (backward
    error, Higham, 2002, section 3.1). So the weights are changed by as much, at random, and the largest change of the
    result in a few drawings, doubled, is the bound: no machine's rounding enters it.

    Args:
        module: whose weights are the only inexact input.
        run: computes the result with a module in float64; casts its inputs and draws no random numbers.
    """
    with float64():
        double = in_float64(module)
        exact, moved = run(double), 0.0
        for draw in range(_DRAWS):
            changed, generator = in_float64(module), torch.Generator().manual_seed(draw)
            for weight in (*changed.parameters(), *changed.buffers()):
                if weight.is_floating_point():
                    terms = weight[0].numel() if weight.ndim > 1 else 1
                    relative = 2 * torch.rand(weight.shape, generator=generator) - 1
                    weight.mul_(1 + growth(terms + 8) * relative)
            moved = max(moved, float((run(changed) - exact).abs().max()))
    return exact, 2 * moved + growth(8) * float(exact.abs().max())
