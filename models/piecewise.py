"""Run a network of non-causal convolutions over a long signal in overlapping chunks (overlap-discard).

Each chunk is extended by the receptive field on both sides, and the outputs of the extension are discarded, so the
result is that of the whole signal. At the ends of the signal the network pads with zeros, as it does for the whole.
Imports no torch, because signals may be numpy arrays, too.

B batch · C, D channels · T positions in · R positions out for each
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, Self, TypeVar


class Signal(Protocol):
    """A tensor or an array of three dimensions; time is the last."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        ...

    def __getitem__(self, place: Any, /) -> Self:
        """A part of it."""
        ...


SignalT = TypeVar("SignalT", bound=Signal)


def piecewise(
    network: Callable[[SignalT], SignalT],
    chunks: Iterable[SignalT],
    receptive_field: int,
    *,
    total: int,
    join: Callable[[tuple[SignalT, SignalT]], SignalT],
) -> Iterator[SignalT]:
    """Apply a network to a signal that arrives in chunks.

    Args:
        network: [B, C, T] to [B, D, T * R]; an output depends on no input further away than `receptive_field`.
        chunks: the signal in order, each [B, C, any number of positions].
        receptive_field: positions to each side.
        total: positions of the whole signal, so that the last chunk is not left to wait for more.
        join: concatenates along the last dimension.

    Yields:
        [B, D, positions * R]: concatenated, the output for the whole signal.
    """
    held: SignalT | None = None  # `past` positions of left context, then those without output yet
    past = done = 0
    for chunk in chunks:
        held = chunk if held is None else join((held, chunk))
        known = done - past + held.shape[2]
        ready = known - done - (0 if known == total else receptive_field)  # positions whose right context is complete
        if ready > 0:
            yield _middle(network, held, past, past + ready)
            done += ready
            before, past = past, min(receptive_field, done)
            held = held[:, :, before + ready - past :]


def growing(first: int, total: int) -> list[int]:
    """Chunk sizes: the first, twice, then four times as large; what is left of less than the first joins the last."""
    sizes: list[int] = []
    while (left := total - sum(sizes)) > 0:
        size = first * 2 ** min(len(sizes), 2)
        sizes.append(size if left >= size + first else left)
    return sizes


def _middle(network: Callable[[SignalT], SignalT], signal: SignalT, start: int, end: int) -> SignalT:
    output = network(signal)
    rate = output.shape[2] // signal.shape[2]
    return output[:, :, start * rate : end * rate]
