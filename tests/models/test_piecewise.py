"""Piece by piece is the same as at once, and a field one place smaller is not."""

from functools import partial

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from models.piecewise import growing, piecewise
from tests.rounding import assert_same, float64, in_float64
from tests.voices.random_voice import noise, small_synthesizer

JOIN = partial(torch.cat, dim=2)


def stack(x: Tensor) -> Tensor:
    """Three places to each side, then two places for each."""
    x = F.conv1d(x, noise(2, 1, 5, seed=1).double(), padding=4, dilation=2)[:, :, :]
    x = F.conv1d(x.tanh(), noise(1, 2, 1, seed=2).double())
    return x.repeat_interleave(2, dim=2)


@given(places=st.integers(1, 60), piece=st.integers(1, 30))
def test_pieces_side_by_side_are_the_whole(places: int, piece: int) -> None:
    signal = noise(1, 1, places, seed=places).double()
    pieces = list(piecewise(stack, signal.split(piece, dim=2), 4, total=places, join=JOIN))
    assert len(pieces) <= len(signal.split(piece, dim=2))  # the end waits for nothing
    assert_same(torch.cat(pieces, dim=2), stack(signal))


def test_a_field_one_place_too_small_is_heard() -> None:
    signal = noise(1, 1, 50).double()
    pieces = list(piecewise(stack, signal.split(10, dim=2), 3, total=50, join=JOIN))
    assert not torch.allclose(torch.cat(pieces, dim=2), stack(signal), rtol=0, atol=1e-3)


def test_no_signal_is_no_pieces() -> None:
    assert list(piecewise(stack, [], 4, total=0, join=JOIN)) == []


@given(places=st.integers(1, 60), piece=st.integers(1, 30))
def test_arrays_are_signals_too(places: int, piece: int) -> None:
    signal = np.random.default_rng(places).normal(size=(1, 1, places))
    chunks = np.split(signal, range(piece, places, piece), axis=2)

    def smooth(x: np.ndarray) -> np.ndarray:
        return np.convolve(x[0, 0], [1.0, 2.0, 3.0, 4.0, 5.0], mode="full")[2:-2][None, None]

    pieces = list(piecewise(smooth, chunks, 2, total=places, join=partial(np.concatenate, axis=2)))
    np.testing.assert_allclose(np.concatenate(pieces, axis=2), smooth(signal), rtol=0, atol=1e-12)


@given(first=st.integers(1, 50), total=st.integers(1, 2000))
def test_chunks_grow_up_to_four_times_and_none_is_smaller_than_the_first(first: int, total: int) -> None:
    sizes = growing(first, total)
    assert sum(sizes) == total
    assert all(first <= size < 5 * first for size in sizes) or sizes == [total]
    assert sizes[0] == first or total < 2 * first


@settings(deadline=None, max_examples=30)
@given(phonemes=st.integers(1, 20), chunk=st.integers(1, 40), seed=st.integers(0, 9))
def test_a_streamed_utterance_is_the_one_that_is_said_at_once(phonemes: int, chunk: int, seed: int) -> None:
    synthesizer = in_float64(small_synthesizer())
    ids = torch.randint(0, 20, (1, phonemes), generator=torch.Generator().manual_seed(seed))
    with float64():
        plan = synthesizer.plan(ids, torch.tensor([phonemes]), generator=torch.Generator().manual_seed(seed))
        pieces = list(synthesizer.stream(plan, chunk_frames=chunk))
        assert_same(torch.cat(pieces, dim=2), synthesizer.decode(plan).audio)
