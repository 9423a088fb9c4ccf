"""The alignment search against every path there is, and against a plain reference, bit for bit."""

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Normal

from models.alignment import alignment_scores, expand, search_durations
from models.gaussian import Gaussian
from tests.rounding import assert_same, float64
from tests.voices.random_voice import noise, seeded

GRIDS = [(frames, phonemes) for frames in range(1, 7) for phonemes in range(1, min(frames, 4) + 1)]


def every_alignment(frames: int, phonemes: int) -> Iterator[list[int]]:
    """All ways to give each phoneme at least one of the frames, in order."""
    for cuts in itertools.combinations(range(1, frames), phonemes - 1):
        edges = (0, *cuts, frames)
        yield [after - before for before, after in itertools.pairwise(edges)]


def score_of(durations: list[int], scores: Tensor) -> float:
    phoneme_of_frame = np.repeat(np.arange(len(durations)), durations)
    return float(scores.double()[torch.arange(scores.shape[0]), torch.from_numpy(phoneme_of_frame)].sum())


def search_plainly(scores: NDArray[np.float32]) -> list[int]:
    """Glow-TTS (2020), algorithm 1, one cell at a time in float32; on a tie the phoneme lasts longer."""
    frames, phonemes = scores.shape
    best = np.full((frames, phonemes), -np.inf, dtype=np.float32)
    best[0, 0] = scores[0, 0]
    for f in range(1, frames):
        for p in range(min(f + 1, phonemes)):
            arrived = best[f - 1, p - 1] if p > 0 else np.float32(-np.inf)
            best[f, p] = max(arrived, best[f - 1, p]) + scores[f, p]
    durations, p = [0] * phonemes, phonemes - 1
    for f in range(frames - 1, -1, -1):
        durations[p] += 1
        if f > 0 and p > 0 and (p == f or best[f - 1, p - 1] > best[f - 1, p]):
            p -= 1
    return durations


def search_one(scores: Tensor) -> list[int]:
    frames, phonemes = scores.shape
    found = search_durations(scores[None], torch.tensor([phonemes]), torch.tensor([frames]))
    return [int(duration) for duration in found[0]]


@pytest.mark.parametrize(("frames", "phonemes"), GRIDS)
def test_search_finds_the_best_of_all_alignments(frames: int, phonemes: int) -> None:
    alignments = list(every_alignment(frames, phonemes))
    for seed in range(10):
        scores = noise(frames, phonemes, seed=seed)
        best = max(alignments, key=lambda durations, scores=scores: score_of(durations, scores))  # type: ignore[misc]
        assert search_one(scores) == best


def test_search_equals_a_plain_reference_bit_for_bit_on_ragged_batches() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        batch = int(generator.integers(1, 5))
        phoneme_lengths = generator.integers(1, 13, batch)
        frame_lengths = phoneme_lengths + generator.integers(0, 25, batch)
        shape = batch, int(frame_lengths.max()) + 2, int(phoneme_lengths.max()) + 1
        # Few distinct values, so that ties are common.
        coarse = generator.integers(-2, 3, shape) if generator.random() < 0.5 else generator.normal(0, 30, shape)
        scores = coarse.astype(np.float32)
        found = search_durations(
            torch.from_numpy(scores), torch.from_numpy(phoneme_lengths), torch.from_numpy(frame_lengths)
        )
        for b, (phonemes, frames) in enumerate(zip(phoneme_lengths, frame_lengths, strict=True)):
            assert found[b, :phonemes].tolist() == search_plainly(scores[b, :frames, :phonemes])
            assert not found[b, phonemes:].any()


def test_on_a_tie_the_later_phoneme_lasts_longer() -> None:
    assert search_one(torch.zeros(7, 3)) == [1, 1, 5]


def test_search_reads_nothing_beyond_the_lengths() -> None:
    scores = noise(2, 9, 5)
    phoneme_lengths, frame_lengths = torch.tensor([3, 5]), torch.tensor([6, 9])
    clean = search_durations(scores, phoneme_lengths, frame_lengths)
    scores[0, 6:], scores[0, :, 3:] = torch.nan, torch.inf
    assert torch.equal(search_durations(scores, phoneme_lengths, frame_lengths), clean)


def test_search_understands_scores_and_lengths_of_any_memory_layout_and_integer_type() -> None:
    scores = noise(3, 12, 6)
    phoneme_lengths, frame_lengths = torch.tensor([6, 2, 4]), torch.tensor([12, 7, 4])
    expected = search_durations(scores, phoneme_lengths, frame_lengths)
    transposed = scores.transpose(1, 2).contiguous().transpose(1, 2).requires_grad_()
    found = search_durations(transposed, phoneme_lengths.int(), frame_lengths.repeat_interleave(2)[::2])
    assert torch.equal(found, expected)


def test_as_many_frames_as_phonemes_leave_one_frame_for_each() -> None:
    assert search_one(noise(6, 6) * 1e4) == [1] * 6


def test_of_fewer_frames_than_phonemes_the_last_phoneme_gets_all_and_nothing_lasts_for_no_phonemes() -> None:
    found = search_durations(noise(3, 9, 7), torch.tensor([5, 0, 7]), torch.tensor([3, 0, 6]))
    assert found.tolist() == [[0, 0, 0, 0, 3, 0, 0], [0] * 7, [0, 0, 0, 0, 0, 0, 6]]


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    strange=st.sampled_from([0.0, math.nan, math.inf, -math.inf]),
)
def test_whatever_the_scores_every_phoneme_lasts_and_all_frames_are_given(
    lengths: list[tuple[int, int]], seed: int, strange: float
) -> None:
    phoneme_lengths = torch.tensor([phonemes for phonemes, _ in lengths])
    frame_lengths = phoneme_lengths + torch.tensor([more for _, more in lengths])
    scores = noise(len(lengths), int(frame_lengths.max()), int(phoneme_lengths.max()) + 1, seed=seed)
    scores[noise(*scores.shape, seed=seed + 1) > 1] = strange
    durations = search_durations(scores, phoneme_lengths, frame_lengths)
    real = torch.arange(durations.shape[1]) < phoneme_lengths[:, None]
    assert torch.equal(durations.sum(dim=1), frame_lengths)
    assert bool((durations[real] >= 1).all())
    assert not durations[~real].any()


def test_search_of_a_long_batch_takes_less_than_the_time_of_a_step() -> None:
    scores = noise(16, 800, 250)
    lengths = torch.full((16,), 250), torch.full((16,), 800)
    search_durations(scores, *lengths)  # compiled now
    start = time.process_time()
    search_durations(scores, *lengths)
    assert time.process_time() - start < 1.0


@float64()
def test_scores_are_sums_of_normal_log_densities() -> None:
    z_p, mean, log_std = noise(3, 8, 11), noise(3, 8, 5, seed=1), 0.5 * noise(3, 8, 5, seed=2)
    density = Normal(mean.double()[:, :, None, :], log_std.double().exp()[:, :, None, :])
    expected = density.log_prob(z_p.double()[..., None])
    assert_same(alignment_scores(z_p, Gaussian(mean, log_std)), expected.sum(dim=1))


def test_scores_are_float32_and_take_no_gradient_even_in_half_precision() -> None:
    z_p, prior = noise(2, 8, 11).requires_grad_(), Gaussian(noise(2, 8, 5, seed=1), 0.5 * noise(2, 8, 5, seed=2))
    expected = alignment_scores(z_p, prior)
    with torch.autocast("cpu", torch.bfloat16):
        scores = alignment_scores(z_p, prior)
    assert scores.dtype == torch.float32
    assert not scores.requires_grad
    assert torch.equal(scores, expected)


def test_expand_is_repeat_interleave_with_zeros_after_the_end() -> None:
    x = noise(3, 4, 5)
    durations = torch.tensor([[1, 4, 0, 2, 1], [3, 1, 0, 0, 0], [2, 2, 2, 2, 4]])
    expanded = expand(x, durations, 12)
    for b in range(3):
        repeated = x[b].repeat_interleave(durations[b], dim=1)
        assert torch.equal(expanded[b, :, : repeated.shape[1]], repeated)
        assert not expanded[b, :, repeated.shape[1] :].any()


def test_expand_sends_each_phoneme_a_gradient_from_each_of_its_frames() -> None:
    x = noise(2, 3, 4).requires_grad_()
    durations = torch.randint(0, 5, (2, 4), generator=seeded())
    (gradient,) = torch.autograd.grad(expand(x, durations, 20).sum(), x)
    assert torch.equal(gradient, durations[:, None, :].expand(-1, 3, -1).float())


def test_expand_of_nothing_is_silence() -> None:
    assert not expand(noise(1, 2, 3), torch.zeros(1, 3, dtype=torch.long), 4).any()
