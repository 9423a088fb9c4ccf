"""Monotonic alignment search (VITS, section 2.2.1 and appendix A; Glow-TTS, Kim et al., 2020).

Which frame belongs to which phoneme is found, not learned: of all alignments that start at the first phoneme, end at
the last and never skip or go back, the one under which the prior finds z_p most likely.

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
from models.masks import places


@torch.no_grad()
def alignment_scores(z_p: Tensor, prior: Gaussian) -> Tensor:
    """Log-likelihood of every frame under every phoneme's prior, in float32 (the sum in equation 6).

    Args:
        z_p: [B, Z, F], the posterior's sample seen through the flow.
        prior: [B, Z, P].

    Returns:
        [B, F, P].
    """
    with torch.autocast(z_p.device.type, enabled=False):
        z_p, mean, log_std = z_p.float().transpose(1, 2), prior.mean.float(), prior.log_std.float()
        precision = torch.exp(-2 * log_std)  # [B, Z, P]
        # -(z - m)^2 / 2s^2 - log s - log(2 pi) / 2, its square multiplied out so that it is two matrix products.
        constant = -0.5 * (mean.square() * precision + 2 * log_std + math.log(2 * math.pi)).sum(dim=1, keepdim=True)
        return constant - 0.5 * z_p.square() @ precision + z_p @ (mean * precision)


def search_durations(scores: Tensor, phoneme_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
    """Find the best monotonic alignment of each utterance, as frames per phoneme.

    On a tie the later phoneme lasts longer. Scores on a GPU are searched there, and the host does not wait for it. For
    the same reason nothing is refused: of fewer frames than phonemes, the last phoneme gets all.

    Args:
        scores: [B, F, P], from `alignment_scores`.
        phoneme_lengths: [B].
        frame_lengths: [B], each at least its number of phonemes.

    Returns:
        [B, P], integers on the device of `scores`: at least 1 at real phonemes, 0 after them, in all as many as frames.
    """
    scores = scores.detach().float()
    if scores.is_cuda:
        found = _search_on_gpu(scores, phoneme_lengths, frame_lengths)
        if found is not None:
            return found
    durations = np.zeros((scores.shape[0], scores.shape[2]), dtype=np.int64)
    # Of one type and layout, so that the search is compiled once.
    lengths = (length.long().cpu().contiguous().numpy() for length in (phoneme_lengths, frame_lengths))
    _compiled_search()(scores.cpu().contiguous().numpy(), *lengths, durations)
    return torch.from_numpy(durations).to(scores.device)


def expand(x: Tensor, durations: Tensor, frames: int | Tensor) -> Tensor:
    """Repeat what belongs to each phoneme for as many frames as it lasts.

    Args:
        x: [B, C, P].
        durations: [B, P], integers.
        frames: F, the padded number of frames, as a tensor where a graph is traced for every length; frames after an
            utterance's last are zero.

    Returns:
        [B, C, F].
    """
    ends = durations.cumsum(dim=1)  # [B, P]
    frame = places(frames, x.device).expand(x.shape[0], -1).contiguous()
    phoneme = torch.searchsorted(ends, frame, right=True)  # [B, F]; P after the end
    spoken = frame < ends[:, -1:]
    index = phoneme.clamp(max=x.shape[2] - 1)[:, None, :].expand(-1, x.shape[1], -1)
    return x.gather(2, index) * spoken[:, None, :]


def _search_on_gpu(scores: Tensor, phoneme_lengths: Tensor, frame_lengths: Tensor) -> Tensor | None:
    """The search without a wait for the device; None, with a warning, where only the CPU can search."""
    try:
        from models.alignment_triton import MOST_PHONEMES, search_durations_on_gpu
    except ImportError as missing:  # PyTorch for Windows comes without Triton
        warnings.warn(f"no Triton ({missing}): every step waits for an alignment search on the CPU", stacklevel=3)
        return None
    if scores.shape[2] > MOST_PHONEMES:
        longest = f"{scores.shape[2]} phonemes in an utterance, and a GPU searches at most {MOST_PHONEMES}"
        warnings.warn(f"{longest}: this batch waits for a search on the CPU", stacklevel=3)
        return None
    lengths = (length.to(scores.device).contiguous() for length in (phoneme_lengths, frame_lengths))
    return search_durations_on_gpu(scores if scores.stride(2) == 1 else scores.contiguous(), *lengths)


@functools.cache
def _compiled_search() -> Callable[..., None]:
    # Compiled when it is first needed: to speak needs no search, and no place to keep compiled code.
    compiled: Callable[..., None] = numba.njit(cache=True, nogil=True)(_search_batch)
    return compiled


def _search_batch(
    scores: NDArray[np.float32],
    phoneme_lengths: NDArray[np.int64],
    frame_lengths: NDArray[np.int64],
    durations: NDArray[np.int64],
) -> None:
    """Viterbi over each grid, one frame after the other, then back along the noted moves.

    The best sum up to a cell is its own score and the greater of two sums of the frame before: this phoneme's, or that
    of the phoneme to the left. The inner loop reads and writes nothing else, so that it becomes vector instructions.
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
        best[0] = 0  # the first frame is entered from before the first phoneme
        for f in range(frames):
            # Phonemes that can be reached by now and leave enough frames for those after them.
            low, high = max(0, phonemes - frames + f), min(f + 1, phonemes)
            left, same, score = best[low:high], best[low + 1 : high + 1], scores[b, f, low:high]
            sums, moves = following[low + 1 : high + 1], moved[f, low:high]
            for i in range(len(score)):  # over its length: an index that may be negative is not vectorised
                moves[i] = left[i] > same[i]
                sums[i] = max(left[i], same[i]) + score[i]
            best, following = following, best
            best[0] = -np.inf
        p = phonemes - 1
        for f in range(frames - 1, 0, -1):
            durations[b, p] += 1
            # Where no more frames than phonemes are left, every phoneme takes one, whatever the scores (NaN, say).
            p -= int(p == f or moved[f, p])
        durations[b, p] += 1
