"""Monotonic alignment search (VITS, section 2.2.1 and appendix A; Glow-TTS, Kim et al., 2020).

Alignments are not learned but searched: of all monotonic alignments that skip no phoneme, the one that maximises the
likelihood of z_p under the prior.

B batch · P phonemes · F frames · Z latent channels
"""

import functools
import math
import warnings
from collections.abc import Callable

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.gaussian import Gaussian
from models.masks import positions


@torch.no_grad()
def alignment_scores(z_p: Tensor, prior: Gaussian) -> Tensor:
    """Log-likelihood of every frame under every phoneme's prior, in float32 (the sum in equation 6).

    Args:
        z_p: [B, Z, F], the posterior's sample after the flow.
        prior: [B, Z, P].

    Returns:
        [B, F, P].
    """
    with torch.autocast(z_p.device.type, enabled=False):
        z_p, mean, log_std = z_p.float().transpose(1, 2), prior.mean.float(), prior.log_std.float()
        precision = torch.exp(-2 * log_std)  # [B, Z, P]
        # -(z - m)^2 / 2s^2 - log s - log(2 pi) / 2 with the square expanded: two matrix products.
        constant = -0.5 * (mean.square() * precision + 2 * log_std + math.log(2 * math.pi)).sum(dim=1, keepdim=True)
        return constant - 0.5 * z_p.square() @ precision + z_p @ (mean * precision)


def search_durations(scores: Tensor, phoneme_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
    """Find the best monotonic alignment of each utterance, as frames per phoneme.

    On a tie the later phoneme lasts longer. Scores on a GPU are searched there, without synchronisation; therefore no
    input is refused: with fewer frames than phonemes, the last phoneme gets all frames.

    Args:
        scores: [B, F, P], from `alignment_scores`.
        phoneme_lengths: [B].
        frame_lengths: [B], each at least its number of phonemes.

    Returns:
        [B, P], integers on the device of `scores`: at least 1 at real phonemes, 0 after them; they sum to the frames.
    """
    scores = scores.detach().float()
    if scores.is_cuda:
        found = _search_on_gpu(scores, phoneme_lengths, frame_lengths)
        if found is not None:
            return found
    durations = np.zeros((scores.shape[0], scores.shape[2]), dtype=np.int64)
    # One dtype and memory layout, so that the search is compiled once.
    lengths = (length.long().cpu().contiguous().numpy() for length in (phoneme_lengths, frame_lengths))
    _compiled_search()(scores.cpu().contiguous().numpy(), *lengths, durations)
    return torch.from_numpy(durations).to(scores.device)


def expand(x: Tensor, durations: Tensor, frames: int | Tensor) -> Tensor:
    """Repeat each phoneme's column for as many frames as it lasts.

    Args:
        x: [B, C, P].
        durations: [B, P], integers.
        frames: F, the padded number of frames, as a tensor when traced for ONNX; frames after an utterance's last are
            zero.

    Returns:
        [B, C, F].
    """
    ends = durations.cumsum(dim=1)  # [B, P]
    frame = positions(frames, x.device).expand(x.shape[0], -1).contiguous()
    phoneme = torch.searchsorted(ends, frame, right=True)  # [B, F]; P after the end
    real = frame < ends[:, -1:]
    index = phoneme.clamp(max=x.shape[2] - 1)[:, None, :].expand(-1, x.shape[1], -1)
    return x.gather(2, index) * real[:, None, :]


def _search_on_gpu(scores: Tensor, phoneme_lengths: Tensor, frame_lengths: Tensor) -> Tensor | None:
    """The search on a GPU; None, with a warning, where that is not possible."""
    try:
        from models.alignment_triton import MOST_PHONEMES, search_durations_on_gpu
    except ImportError as missing:  # PyTorch for Windows comes without Triton
        warnings.warn(
            f"no Triton ({missing}): the alignment search of every step runs on the CPU, which is slower", stacklevel=3
        )
        return None
    if scores.shape[2] > MOST_PHONEMES:
        longest = f"an utterance of {scores.shape[2]} phonemes, more than the {MOST_PHONEMES} that a GPU can align"
        warnings.warn(f"{longest}: this batch is aligned on the CPU, which is slower", stacklevel=3)
        return None
    lengths = (length.to(scores.device).contiguous() for length in (phoneme_lengths, frame_lengths))
    return search_durations_on_gpu(scores if scores.stride(2) == 1 else scores.contiguous(), *lengths)


@functools.cache
def _compiled_search() -> Callable[..., None]:
    # Compiled at first use: inference needs no search and no cache folder for compiled code.
    compiled: Callable[..., None] = numba.njit(cache=True, nogil=True)(_search_batch)
    return compiled


def _search_batch(
    scores: NDArray[np.float32],
    phoneme_lengths: NDArray[np.int64],
    frame_lengths: NDArray[np.int64],
    durations: NDArray[np.int64],
) -> None:
    """Viterbi search over each grid, frame by frame, then backtracking.

    The best sum up to a cell is its score plus the greater of two sums of the frame before: that of the same phoneme or
    of the one to its left. The inner loop touches nothing else, so that it is vectorised.
    """
    _, frames_padded, phonemes_padded = scores.shape
    moved = np.empty((frames_padded, phonemes_padded), dtype=np.bool_)  # whether a cell was entered from the left
    best, following = np.empty((2, phonemes_padded + 1), dtype=np.float32)  # phoneme p at p + 1
    for b in range(scores.shape[0]):
        phonemes, frames = phoneme_lengths[b], frame_lengths[b]
        if phonemes > frames:
            durations[b, phonemes - 1] = frames
        if not 0 < phonemes <= frames:
            continue
        best[:] = following[:] = -np.inf
        best[0] = 0  # the path starts at the first phoneme
        for f in range(frames):
            # Phonemes that a path can be at in this frame.
            low, high = max(0, phonemes - frames + f), min(f + 1, phonemes)
            left, same, score = best[low:high], best[low + 1 : high + 1], scores[b, f, low:high]
            sums, moves = following[low + 1 : high + 1], moved[f, low:high]
            for i in range(len(score)):  # not range(low, high): an index that may be negative is not vectorised
                moves[i] = left[i] > same[i]
                sums[i] = max(left[i], same[i]) + score[i]
            best, following = following, best
            best[0] = -np.inf
        p = phonemes - 1
        for f in range(frames - 1, 0, -1):
            durations[b, p] += 1
            # With as many phonemes as frames left, each gets one, whatever the scores (even NaN).
            p -= int(p == f or moved[f, p])
        durations[b, p] += 1
