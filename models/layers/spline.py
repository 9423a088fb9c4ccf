"""Monotonic rational-quadratic splines (Durkan et al., "Neural Spline Flows", 2019), with linear tails.

K bins · ... any leading shape
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_SMALLEST = 1e-3  # least width and height of a bin and slope at a knot: keeps the inverse well conditioned


@dataclass(frozen=True)
class _Bin:
    """The bin each input falls into; all fields have the input's shape."""

    left: Tensor
    width: Tensor
    bottom: Tensor
    height: Tensor
    left_slope: Tensor
    right_slope: Tensor

    @property
    def slope(self) -> Tensor:
        return self.height / self.width


class RationalQuadraticSpline:
    """A monotonic map of [-bound, bound] onto itself, the identity outside, in float32.

    Args:
        widths: [..., K], unnormalised widths of the bins.
        heights: [..., K], unnormalised heights of the bins.
        slopes: [..., K - 1], unnormalised slopes at the inner knots; at both ends the slope is 1.
        bound: the linear tails begin at -bound and bound.
    """

    def __init__(self, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float = 5.0) -> None:
        self.bound = bound
        self.x_knots = self._knots(widths.float())  # [..., K + 1]
        self.y_knots = self._knots(heights.float())  # [..., K + 1]
        # softplus(this) + _SMALLEST = 1, the slope of the tails.
        slope_of_one = math.log(math.exp(1 - _SMALLEST) - 1)
        self.slopes = _SMALLEST + F.softplus(F.pad(slopes.float(), (1, 1), value=slope_of_one))  # [..., K + 1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x [...] (equation 4); return y [...] and log dy/dx [...] (equation 5)."""
        inside, clamped, bin_ = self._locate(x, self.x_knots)
        t = (clamped - bin_.left) / bin_.width
        numerator = bin_.height * (bin_.slope * t**2 + bin_.left_slope * t * (1 - t))
        y = bin_.bottom + numerator / self._denominator(bin_, t)
        return torch.where(inside, y, x.float()), torch.where(inside, self._log_derivative(bin_, t), 0.0)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Map y [...] back (equations 6 to 8); return x [...] and log dx/dy [...]."""
        inside, clamped, bin_ = self._locate(y, self.y_knots)
        rise = clamped - bin_.bottom
        curvature = bin_.left_slope + bin_.right_slope - 2 * bin_.slope
        a = bin_.height * (bin_.slope - bin_.left_slope) + rise * curvature
        b = bin_.height * bin_.left_slope - rise * curvature
        c = -bin_.slope * rise
        # The discriminant is positive for a monotonic spline; rounding may take it just below zero. Of the two ways to
        # write the root, each cancels digits for one sign of b; where b < 0, a is positive.
        root = torch.sqrt((b**2 - 4 * a * c).clamp(min=0.0))
        t = torch.where(b < 0, (root - b) / torch.where(b < 0, 2 * a, 1.0), 2 * c / (-b.clamp(min=0.0) - root))
        t = t.clamp(0.0, 1.0)
        x = t * bin_.width + bin_.left
        return torch.where(inside, x, y.float()), torch.where(inside, -self._log_derivative(bin_, t), 0.0)

    def _knots(self, unnormalised: Tensor) -> Tensor:
        bins = unnormalised.shape[-1]
        shares = _SMALLEST + (1 - _SMALLEST * bins) * unnormalised.softmax(dim=-1)
        inner = 2 * self.bound * shares.cumsum(dim=-1)[..., :-1] - self.bound
        # Both ends are exact, not cumulative sums.
        return F.pad(F.pad(inner, (1, 0), value=-self.bound), (0, 1), value=self.bound)

    def _locate(self, value: Tensor, knots: Tensor) -> tuple[Tensor, Tensor, _Bin]:
        """Which inputs are inside, the inputs clamped to the spline, and the bin of each clamped input.

        All inputs are evaluated, clamped, and the outer ones replaced by the caller: selecting them would synchronise
        with the device, and unclamped ones would make the gradient of the unused branch NaN.
        """
        value = value.float()
        clamped = value.clamp(-self.bound, self.bound)
        index = (clamped[..., None] >= knots[..., 1:-1]).sum(dim=-1, keepdim=True)  # [..., 1] in 0 .. K-1

        def at(table: Tensor) -> Tensor:
            return table.gather(-1, index).squeeze(-1)

        bin_ = _Bin(
            left=at(self.x_knots),
            width=at(self.x_knots.diff(dim=-1)),
            bottom=at(self.y_knots),
            height=at(self.y_knots.diff(dim=-1)),
            left_slope=at(self.slopes),
            right_slope=at(self.slopes[..., 1:]),
        )
        return value == clamped, clamped, bin_

    def _denominator(self, bin_: _Bin, t: Tensor) -> Tensor:
        return bin_.slope + (bin_.left_slope + bin_.right_slope - 2 * bin_.slope) * t * (1 - t)

    def _log_derivative(self, bin_: _Bin, t: Tensor) -> Tensor:
        numerator = bin_.slope**2 * (
            bin_.right_slope * t**2 + 2 * bin_.slope * t * (1 - t) + bin_.left_slope * (1 - t) ** 2
        )
        return torch.log(numerator) - 2 * torch.log(self._denominator(bin_, t))
