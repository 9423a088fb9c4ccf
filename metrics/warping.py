"""Dynamic time warping of two recordings of the same words (Sakoe & Chiba, 1978), by librosa.

F, G frames of one and the other · C values of a frame · N pairs of frames
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.spectra import Frames


@dataclass(frozen=True, eq=False)
class WarpingPath:
    """Pairs of corresponding frames; each index rises by 0 or 1 from pair to pair."""

    reference: npt.NDArray[np.int64]  # [N]
    other: npt.NDArray[np.int64]  # [N]


def warp(reference: Frames, other: Frames) -> WarpingPath:
    """The path from the first frames to the last with the smallest sum of Euclidean distances.

    Args:
        reference: [F, C], F > 0.
        other: [G, C], G > 0.
    """
    from librosa.sequence import dtw  # takes a second to load

    _, steps = dtw(X=reference.T, Y=other.T, metric="euclidean")  # from the end to the beginning
    steps = np.asarray(steps[::-1], np.int64)
    return WarpingPath(steps[:, 0], steps[:, 1])
