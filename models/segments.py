"""Random segments: the decoder is trained on short windows of each clip (VITS, section 3.3).

B batch · K segments of each clip · C channels · T time (frames or samples) · S length of a segment in the same unit
"""

import torch
from torch import Tensor


def random_segment_starts(lengths: Tensor, size: int, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw the starts of the segments of each clip, each uniform over all starts where it fits.

    Args:
        lengths: [B], true lengths of the clips. Segments of a clip shorter than S start at 0.
        size: S.
        count: K. The first segment's draw does not depend on it.
        generator: makes the draw repeatable; it must live on the device of `lengths`.

    Returns:
        [B, K], integers.
    """
    uniform = torch.rand(lengths.shape, generator=generator, device=lengths.device)
    starts_that_fit = (lengths - size + 1).clamp(min=1)
    first = (uniform * starts_that_fit).long()
    # The others follow at equal distances, modulo the number of starts: each is uniform by itself, and they do not
    # overlap where the clip is long enough.
    further = torch.arange(count, device=lengths.device) * starts_that_fit[:, None] // count  # [B, K]
    return (first[:, None] + further) % starts_that_fit[:, None]


def slice_segments(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Gather the segments x[b, :, starts[b, k] : starts[b, k] + size] without synchronising with the device.

    Args:
        x: [B, C, T].
        starts: [B, K], integers with starts + size <= T.
        size: S.

    Returns:
        [B * K, C, S], clip by clip.
    """
    index = (starts[:, :, None] + torch.arange(size, device=x.device)).flatten(1)  # [B, K * S]
    segments = x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))  # [B, C, K * S]
    return segments.unflatten(2, (starts.shape[1], size)).transpose(1, 2).flatten(0, 1)  # [B * K, C, S]
