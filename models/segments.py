"""Random windows of a fixed length: the decoder is trained on short pieces (VITS, section 3.3).

B batch · C channels · T time (frames or samples) · S length of a segment in the same unit
"""

import torch
from torch import Tensor


def random_segment_starts(lengths: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw where a segment starts in each clip, uniformly over all places where it fits.

    Args:
        lengths: [B], true lengths of the clips. A clip shorter than the segment starts at 0.
        size: length of the segment.
        generator: makes the draw repeatable; it must live on the device of `lengths`.

    Returns:
        [B], integers.
    """
    uniform = torch.rand(lengths.shape, generator=generator, device=lengths.device)
    places = (lengths - size + 1).clamp(min=1)
    return (uniform * places).long()


def slice_segments(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Cut x[b, :, starts[b] : starts[b] + size] out of every clip, without waiting for the device.

    Args:
        x: [B, C, T].
        starts: [B], integers with starts + size <= T.
        size: S.

    Returns:
        [B, C, S].
    """
    index = starts[:, None] + torch.arange(size, device=x.device)  # [B, S]
    return x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))  # [B, C, S]
