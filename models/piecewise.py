"""A long signal through a network piece by piece, as if at once: overlap and discard.

A network of non-causal convolutions sees no further than its field. Where a piece has a field's worth of its neighbours
on each side, what the network makes of its middle is what it would make of it in the whole; the rest is thrown away.
At the true ends there are no neighbours, and the network pads with zeros as it does for the whole.

B batch · C, D channels · T places in · R places out for each
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


@torch.no_grad()
def piecewise(network: Callable[[Tensor], Tensor], pieces: Iterable[Tensor], field: int) -> Iterator[Tensor]:
    """Send a signal through a network as it comes.

    Args:
        network: [B, C, T] to [B, D, T * R]; what comes out at a place depends on no place further away than `field`.
        pieces: the signal in order, each [B, C, any number of places].
        field: places to each side.

    Yields:
        [B, D, some places * R]: laid side by side, what the network makes of the whole signal.
    """
    held: Tensor | None = None  # what is still needed of the signal: `past` places that are done, then those to come
    past = 0
    for piece in pieces:
        held = piece if held is None else torch.cat((held, piece), dim=2)
        ready = held.shape[2] - past - field  # places whose neighbours are all there
        if ready > 0:
            yield _middle(network, held, past, past + ready)
            done = past + ready
            past = min(field, done)
            held = held[:, :, done - past :]
    if held is not None and held.shape[2] > past:
        yield _middle(network, held, past, held.shape[2])


def _middle(network: Callable[[Tensor], Tensor], signal: Tensor, start: int, end: int) -> Tensor:
    made = network(signal)
    rate = made.shape[2] // signal.shape[2]
    return made[:, :, start * rate : end * rate]
