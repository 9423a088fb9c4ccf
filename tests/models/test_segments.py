"""Random segments: python slicing is the oracle, and every place is as likely as any other."""

import pytest
import torch

from models import random_segment_starts, slice_segments
from tests.models.random_voice import noise, seeded


def test_slices_are_what_python_slices() -> None:
    x, starts = noise(4, 3, 20), torch.tensor([0, 13, 5, 12])
    segments = slice_segments(x, starts, 7)
    for b, start in enumerate(starts.tolist()):
        assert torch.equal(segments[b], x[b, :, start : start + 7])


def test_gradient_of_a_slice_reaches_its_place_and_no_other() -> None:
    x = noise(2, 3, 10).requires_grad_()
    (gradient,) = torch.autograd.grad(slice_segments(x, torch.tensor([2, 6]), 4).sum(), x)
    expected = torch.zeros(2, 3, 10)
    expected[0, :, 2:6] = expected[1, :, 6:10] = 1
    assert torch.equal(gradient, expected)


def test_starts_are_uniform_over_exactly_the_places_where_the_segment_fits() -> None:
    draws = 40_000
    starts = random_segment_starts(torch.full((draws,), 17), 8, seeded())
    counts = torch.bincount(starts, minlength=10)
    assert counts.numel() == 10, "17 - 8 + 1 places"
    chi_squared = float(((counts - draws / 10).square() / (draws / 10)).sum())
    assert chi_squared < 27.9, "9 degrees of freedom: one in a thousand would be larger"


def test_a_clip_as_long_as_the_segment_or_shorter_starts_at_zero() -> None:
    lengths = torch.tensor([8, 7, 1]).repeat(200)
    assert not random_segment_starts(lengths, 8, seeded()).any()


@pytest.mark.parametrize(("uniform", "place"), [(0.0, 0), (1 - 2**-24, -1)])
def test_the_smallest_and_the_largest_draw_reach_the_first_and_the_last_place(
    monkeypatch: pytest.MonkeyPatch, uniform: float, place: int
) -> None:
    lengths = torch.tensor([8, 9, 100, 8191, 2**20, 2**24 + 11])
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(tuple(shape), uniform))
    starts = random_segment_starts(lengths, 8)
    if place == 0:
        assert not starts.any()
    else:
        # The last clip has more places than float32 has steps.
        assert torch.equal(starts[:-1], lengths[:-1] - 8)
        assert int(starts[-1]) + 8 <= int(lengths[-1])


def test_the_same_seed_draws_the_same_starts() -> None:
    lengths = torch.randint(8, 500, (50,), generator=seeded())
    first, again = (random_segment_starts(lengths, 8, seeded(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, random_segment_starts(lengths, 8, seeded(4)))
