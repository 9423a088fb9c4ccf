"""The receptive field of a stack of convolutions, worked out layer by layer from the output to the input."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReceptiveField:
    """The input positions that some outputs depend on, both ends included."""

    first: int
    last: int

    def before_convolution(self, kernel_size: int, dilation: int = 1) -> "ReceptiveField":
        """The inputs of a convolution that keeps the length; the kernel is odd."""
        return self.widened(dilation * (kernel_size // 2))

    def widened(self, side: int) -> "ReceptiveField":
        """The same with this many positions more on each side."""
        return ReceptiveField(self.first - side, self.last + side)

    def before_upsampling(self, kernel_size: int, rate: int) -> "ReceptiveField":
        """The inputs of a transposed convolution with this stride, padded alike on both sides."""
        padding = (kernel_size - rate) // 2
        return ReceptiveField(-(-(self.first + padding - kernel_size + 1) // rate), (self.last + padding) // rate)

    def before_interleaving(self, rate: int) -> "ReceptiveField":
        """The positions before `rate` - 1 zeros were inserted between each two."""
        return ReceptiveField(-(-self.first // rate), self.last // rate)

    @property
    def radius(self) -> int:
        """The larger distance of both ends from position 0."""
        return max(-self.first, self.last)
