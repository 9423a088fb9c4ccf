"""Monotonic alignment search on a GPU: two Triton kernels without synchronisation with the host.

`models.alignment` defines the search. It is bound by latency: each frame needs the best sums of the frame before, of
the same phoneme and of its left neighbour. Therefore the sums stay in registers:

- A row of 32 lanes (one warp) holds 32 neighbouring phonemes; the left neighbour is the lane to the left. The first
  lane has none, so its sum is wrong one frame later, its right neighbour's after two frames, and so on.
- Therefore rows overlap by half. After 16 frames the left half of each row is wrong and the right half still exact; the
  left half is replaced by the right half of the previous row: one exchange through shared memory per 16 frames.
- Each cell stores the moves of 16 frames as the bits of one word. Backtracking from the right half of a row moves at
  most 16 phonemes to the left in 16 frames, so it reads that row's words alone.
- Scores are prefetched several frames ahead, with coalesced reads.

The second kernel backtracks with one warp per utterance. B batch · P phonemes · F frames
"""

# Triton kernels have no type annotations.
# ruff: noqa: ANN001, ANN202, N803, RUF005
# mypy: disable-error-code="import-untyped, untyped-decorator, no-untyped-def, assignment, misc"

import torch
import triton
import triton.language as tl
from torch import Tensor

# Limited by the registers of one multiprocessor.
MOST_PHONEMES = 2048

_LANES = tl.constexpr(32)
_HALF = tl.constexpr(16)  # phonemes by which rows overlap, and frames between two exchanges


def search_durations_on_gpu(scores: Tensor, phoneme_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
    """`models.alignment.search_durations` for scores on a GPU; the lengths are read on the device only.

    Args:
        scores: [B, F, P], float32, at most `MOST_PHONEMES` wide, the last dimension contiguous.
        phoneme_lengths: [B], integers on the device of `scores`, contiguous.
        frame_lengths: [B], likewise.

    Returns:
        [B, P], int64.
    """
    batch, frames, phonemes = scores.shape
    rows = max(1, triton.next_power_of_2(triton.cdiv(phonemes, _HALF.value)))
    blocks = triton.cdiv(frames, _HALF.value)
    durations = torch.zeros(batch, phonemes, dtype=torch.int64, device=scores.device)
    if durations.numel() == 0 or frames == 0:
        return durations
    moves = torch.empty(batch, blocks, rows, _LANES.value, dtype=torch.int16, device=scores.device)
    lengths, strides = (phoneme_lengths, frame_lengths), scores.stride()[:2]
    with torch.cuda.device_of(scores):
        _sweep_forward[(batch,)](
            scores, *lengths, moves, *strides, blocks, ROWS=rows, AHEAD=_frames_ahead(rows), num_warps=min(rows, 32)
        )
        _walk_back[(batch,)](moves, *lengths, durations, phonemes, blocks, ROWS=rows, num_warps=1)
    return durations


def _frames_ahead(rows: int) -> int:
    # Limited by registers: with 32 warps a lane has 64, and holds two rows or more.
    return 16 if rows <= 32 else 4


# Compiled once per number of rows; without alignment hints, each lane gets one phoneme of a row.
@triton.jit(
    do_not_specialize=["batch_stride", "frame_stride", "blocks"], do_not_specialize_on_alignment=["scores", "moves"]
)
def _sweep_forward(
    scores,  # [B, F, P]
    phoneme_lengths,  # [B]
    frame_lengths,  # [B]
    moves,  # [B, blocks, ROWS, 32], int16: bit i is whether the cell was entered from the left in the block's frame i
    batch_stride,
    frame_stride,
    blocks,
    ROWS: tl.constexpr,
    AHEAD: tl.constexpr,
):
    """Best sum of every cell, frame by frame, one program per utterance; only the moves are stored."""
    utterance = tl.program_id(0).to(tl.int64)
    phonemes = tl.load(phoneme_lengths + utterance).to(tl.int32)
    frames = tl.load(frame_lengths + utterance).to(tl.int32)

    lane = tl.arange(0, _LANES)[None, :]
    row = tl.arange(0, ROWS)[:, None]
    cell = row * _LANES + lane
    phoneme = row * _HALF + lane - _HALF  # each is in the right half of one row and in the left half of the next
    real = (phoneme >= 0) & (phoneme < phonemes)
    lane_to_the_left = tl.broadcast_to(tl.maximum(lane - 1, 0), (ROWS, _LANES))
    exact = tl.reshape(tl.where((lane < _HALF) & (row > 0), cell - _HALF, cell), (ROWS * _LANES,))

    coming = scores + utterance * batch_stride + phoneme
    best = tl.where(phoneme == 0, tl.load(coming, mask=phoneme == 0, other=0.0), float("-inf"))
    queue = ()
    for i in tl.static_range(AHEAD):
        coming += frame_stride
        queue = queue + (tl.load(coming, mask=real & (1 + i < frames), other=0.0),)

    words = moves + utterance * blocks * ROWS * _LANES + cell
    first = 1
    while first < frames:  # not `for`: Triton 3.6's interpreter fails on a range read from memory with numpy 2.4
        best = tl.reshape(tl.gather(tl.reshape(best, (ROWS * _LANES,)), exact, axis=0), (ROWS, _LANES))
        word = tl.zeros((ROWS, _LANES), tl.int32)
        for i in tl.static_range(_HALF):
            left = tl.gather(best, lane_to_the_left, axis=1)
            word |= tl.where(left > best, 1 << i, 0)  # on a tie the phoneme lasts longer
            best = tl.maximum(left, best) + queue[0]
            coming += frame_stride
            queue = queue[1:] + (tl.load(coming, mask=real & (first + i + AHEAD < frames), other=0.0),)
        tl.store(words, word.to(tl.int16))
        words += ROWS * _LANES
        first += _HALF


@triton.jit(do_not_specialize=["width", "blocks"])
def _walk_back(
    moves,  # [B, blocks, ROWS, 32]
    phoneme_lengths,  # [B]
    frame_lengths,  # [B]
    durations,  # [B, P], zeros
    width,
    blocks,
    ROWS: tl.constexpr,
):
    """Backtrack from the last phoneme in the last frame to the first in the first, one warp per utterance."""
    utterance = tl.program_id(0).to(tl.int64)
    phoneme = tl.load(phoneme_lengths + utterance).to(tl.int32) - 1
    frames = tl.where(phoneme >= 0, tl.load(frame_lengths + utterance).to(tl.int32), 0)

    lane = tl.arange(0, _LANES)
    lasting = durations + utterance * width
    words = moves + utterance * blocks * ROWS * _LANES + lane
    used = (frames + _HALF - 2) // _HALF
    row = phoneme // _HALF
    word = tl.load(words + ((used - 1) * ROWS + row) * _LANES, mask=used > 0, other=0)
    block = used - 1
    while block >= 0:
        # The previous block's words are in this row or the one to the left: both are prefetched.
        before = words + ((block - 1) * ROWS + row) * _LANES
        word_of_same_row = tl.load(before, mask=block > 0, other=0)
        word_of_left_row = tl.load(before - _LANES, mask=(block > 0) & (row > 0), other=0)

        first = 1 + block * _HALF
        first_phoneme = (row - 1) * _HALF  # of this row's lanes
        # With as many phonemes as frames left, each gets one, whatever the scores (even NaN).
        due = first_phoneme + lane - first
        bits = word.to(tl.int32) | tl.where((due >= 0) & (due < _HALF), 1 << (due & (_HALF - 1)), 0)
        bits &= (1 << tl.minimum(frames - first, _HALF)) - 1
        here = phoneme - first_phoneme
        count = tl.zeros((_LANES,), tl.int32)
        for i in tl.static_range(_HALF - 1, -1, -1):
            moves_of_frame = tl.sum(((bits >> i) & 1) << lane, axis=0)  # one bit for each lane
            count += ((lane == here) & (first + i < frames)).to(tl.int32)
            here -= (moves_of_frame >> here) & 1
        tl.atomic_add(lasting + first_phoneme + lane, count.to(tl.int64), mask=count > 0, sem="relaxed")

        phoneme = first_phoneme + here
        word = tl.where(phoneme // _HALF == row, word_of_same_row, word_of_left_row)
        row = phoneme // _HALF
        block -= 1
    tl.atomic_add(lasting + phoneme, 1, mask=frames > 0, sem="relaxed")  # frame 0
