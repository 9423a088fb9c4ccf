"""Run a network of non-causal convolutions over a long signal in overlapping chunks (overlap-discard).

Each chunk is extended by the receptive field on both sides, and the outputs of the extension are discarded, so the
result is that of the whole signal. At the ends of the signal the network pads with zeros, as it does for the whole.

B batch · C, D channels · T positions in · R positions out for each
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


@torch.no_grad()
def piecewise(network: Callable[[Tensor], Tensor], chunks: Iterable[Tensor], receptive_field: int) -> Iterator[Tensor]:
    """Apply a network to a signal that arrives in chunks.

    Args:
        network: [B, C, T] to [B, D, T * R]; an output depends on no input further away than `receptive_field`.
        chunks: the signal in order, each [B, C, any number of positions].
        receptive_field: positions to each side.

    Yields:
        [B, D, positions * R]: concatenated, the output for the whole signal.
    """
    held: Tensor | None = None  # `past` positions of left context, then those without output yet
    past = 0
    for chunk in chunks:
        held = chunk if held is None else torch.cat((held, chunk), dim=2)
        ready = held.shape[2] - past - receptive_field  # positions whose right context is complete
        if ready > 0:
            yield _middle(network, held, past, past + ready)
            done = past + ready
            past = min(receptive_field, done)
            held = held[:, :, done - past :]
    if held is not None and held.shape[2] > past:
        yield _middle(network, held, past, held.shape[2])


def _middle(network: Callable[[Tensor], Tensor], signal: Tensor, start: int, end: int) -> Tensor:
    output = network(signal)
    rate = output.shape[2] // signal.shape[2]
    return output[:, :, start * rate : end * rate]
