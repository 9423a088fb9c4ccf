"""Monotonic alignment search (VITS, section 2.2.1 and appendix A; Glow-TTS, Kim et al., 2020).

Which frame belongs to which phoneme is found, not learned: of all alignments that start at the first phoneme, end at
the last and never skip or go back, the one under which the prior finds z_p most likely.

B batch · P phonemes · F frames · Z latent channels
"""

import functools
import math
from collections.abc import Callable

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.gaussian import Gaussian


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

    Args:
        scores: [B, F, P], from `alignment_scores`.
        phoneme_lengths: [B].
        frame_lengths: [B], each at least its number of phonemes.

    Returns:
        [B, P], integers on the device of `scores`: at least 1 at real phonemes, 0 after them, in all as many as frames.
    """
    durations = np.zeros((scores.shape[0], scores.shape[2]), dtype=np.int64)
    grids = scores.detach().float().cpu().contiguous().numpy()
    _compiled_search()(grids, phoneme_lengths.cpu().numpy(), frame_lengths.cpu().numpy(), durations)
    return torch.from_numpy(durations).to(scores.device)


def expand(x: Tensor, durations: Tensor, frames: int) -> Tensor:
    """Repeat what belongs to each phoneme for as many frames as it lasts.

    Args:
        x: [B, C, P].
        durations: [B, P], integers.
        frames: F, the padded number of frames; frames after an utterance's last are zero.

    Returns:
        [B, C, F].
    """
    ends = durations.cumsum(dim=1)  # [B, P]
    frame = torch.arange(frames, device=x.device).expand(x.shape[0], -1).contiguous()
    phoneme = torch.searchsorted(ends, frame, right=True)  # [B, F]; P after the end
    spoken = frame < ends[:, -1:]
    index = phoneme.clamp(max=x.shape[2] - 1)[:, None, :].expand(-1, x.shape[1], -1)
    return x.gather(2, index) * spoken[:, None, :]


@functools.cache
def _compiled_search() -> Callable[..., None]:
    # Compiled when it is first needed: to speak needs no search, and no place to keep compiled code.
    compiled: Callable[..., None] = numba.njit(cache=True, nogil=True)(_search_batch)
    return compiled


def _search_batch(
    grids: NDArray[np.float32],
    phoneme_lengths: NDArray[np.int64],
    frame_lengths: NDArray[np.int64],
    durations: NDArray[np.int64],
) -> None:
    """Viterbi over each grid: two rows of best sums, one flag per cell for the way back."""
    for b in range(grids.shape[0]):
        phonemes, frames = phoneme_lengths[b], frame_lengths[b]
        advanced = np.zeros((frames, phonemes), dtype=np.bool_)
        best = np.full(phonemes, -np.inf, dtype=np.float32)
        best[0] = grids[b, 0, 0]
        before = np.empty_like(best)
        for f in range(1, frames):
            before[:] = best
            best[0] = before[0] + grids[b, f, 0]
            for p in range(1, phonemes):
                # On a tie the phoneme lasts longer, as in the published code.
                advanced[f, p] = before[p - 1] > before[p]
                best[p] = max(before[p - 1], before[p]) + grids[b, f, p]
        p = phonemes - 1
        for f in range(frames - 1, -1, -1):
            durations[b, p] += 1
            # Where no more frames than phonemes are left, every phoneme takes one, whatever the scores (NaN, say).
            if p > 0 and (p == f or advanced[f, p]):
                p -= 1
