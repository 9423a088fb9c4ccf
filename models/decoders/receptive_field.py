"""How far a stack of convolutions looks: which inputs a stretch of outputs depends on, layer by layer from the end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReceptiveField:
    """A stretch of places, both ends included."""

    first: int
    last: int

    def before_convolution(self, kernel_size: int, dilation: int = 1) -> "ReceptiveField":
        """What a convolution that keeps the length needs for these outputs; the kernel is odd."""
        side = dilation * (kernel_size // 2)
        return self.widened(side)

    def widened(self, side: int) -> "ReceptiveField":
        """So many places more on each side."""
        return ReceptiveField(self.first - side, self.last + side)

    def before_upsampling(self, kernel_size: int, rate: int) -> "ReceptiveField":
        """What a transposed convolution that makes `rate` places of each, padded alike on both sides, needs."""
        padding = (kernel_size - rate) // 2
        return ReceptiveField(-(-(self.first + padding - kernel_size + 1) // rate), (self.last + padding) // rate)

    def before_interleaving(self, rate: int) -> "ReceptiveField":
        """What is needed of places between which `rate` - 1 zeros are put."""
        return ReceptiveField(-(-self.first // rate), self.last // rate)

    @property
    def field(self) -> int:
        """The further of both ends from place 0."""
        return max(-self.first, self.last)
