"""Random windows of a fixed length: the decoder is trained on short pieces (VITS, section 3.3).

B batch · K pieces of each clip · C channels · T time (frames or samples) · S length of a piece in the same unit
"""

import torch
from torch import Tensor


def random_segment_starts(lengths: Tensor, size: int, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw where the pieces of each clip start, each uniformly over all places where it fits.

    Args:
        lengths: [B], true lengths of the clips. All pieces of a clip shorter than one start at 0.
        size: S.
        count: K. The draw of the first piece is the same for every count.
        generator: makes the draw repeatable; it must live on the device of `lengths`.

    Returns:
        [B, K], integers.
    """
    uniform = torch.rand(lengths.shape, generator=generator, device=lengths.device)
    places = (lengths - size + 1).clamp(min=1)
    first = (uniform * places).long()
    # The others follow at equal distances, round and round: each piece is as likely at any place as if it were drawn by
    # itself, and none shows what another shows already wherever the clip is long enough for that.
    further = torch.arange(count, device=lengths.device) * places[:, None] // count  # [B, K]
    return (first[:, None] + further) % places[:, None]


def slice_segments(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Cut the pieces x[b, :, starts[b, k] : starts[b, k] + size] out of every clip, without waiting for the device.

    Args:
        x: [B, C, T].
        starts: [B, K], integers with starts + size <= T.
        size: S.

    Returns:
        [B * K, C, S], the pieces of one clip after those of another.
    """
    index = (starts[:, :, None] + torch.arange(size, device=x.device)).flatten(1)  # [B, K * S]
    pieces = x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))  # [B, C, K * S]
    return pieces.unflatten(2, (starts.shape[1], size)).transpose(1, 2).flatten(0, 1)  # [B * K, C, S]
