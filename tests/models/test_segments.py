"""Random segments: python slicing is the oracle, and every place is as likely as any other."""

import pytest
import torch

from models.segments import random_segment_starts, slice_segments
from tests.voices.random_voice import noise, seeded


def test_slices_are_what_python_slices_one_clip_after_another() -> None:
    x, starts = noise(4, 3, 20), torch.tensor([[0, 13, 2], [13, 13, 0], [5, 6, 7], [12, 1, 8]])
    segments = slice_segments(x, starts, 7)
    sliced = [x[b, :, start : start + 7] for b, row in enumerate(starts.tolist()) for start in row]
    assert torch.equal(segments, torch.stack(sliced))


def test_gradient_of_a_slice_reaches_its_place_as_often_as_it_was_cut_out() -> None:
    x = noise(2, 3, 10).requires_grad_()
    (gradient,) = torch.autograd.grad(slice_segments(x, torch.tensor([[2, 4], [6, 0]]), 4).sum(), x)
    expected = torch.tensor([[0, 0, 1, 1, 2, 2, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 1, 1, 1, 1]])
    assert torch.equal(gradient, expected[:, None].expand(-1, 3, -1).float())


def test_every_piece_starts_uniformly_over_exactly_the_places_where_it_fits() -> None:
    draws = 40_000
    starts = random_segment_starts(torch.full((draws,), 17), 8, 3, seeded())
    for piece in starts.T:
        counts = torch.bincount(piece, minlength=10)
        assert counts.numel() == 10, "17 - 8 + 1 places"
        chi_squared = float(((counts - draws / 10).square() / (draws / 10)).sum())
        assert chi_squared < 27.9, "9 degrees of freedom: one in a thousand would be larger"


def test_pieces_of_a_clip_with_room_for_them_do_not_overlap_and_others_differ_while_they_can() -> None:
    lengths = torch.arange(8, 80).repeat_interleave(50)
    starts = random_segment_starts(lengths, 8, 4, seeded()).sort(dim=1).values
    apart, places = starts.diff(dim=1).amin(dim=1), lengths - 8 + 1
    assert bool((apart[places >= 4 * 8] >= 8).all())
    assert bool((apart[places >= 4] >= 1).all())
    assert bool((starts >= 0).all())
    assert bool((starts[:, -1] + 8 <= lengths).all())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_first_piece_is_drawn_as_if_there_were_no_other(count: int) -> None:
    lengths = torch.randint(1, 500, (50,), generator=seeded())
    generator, plain = seeded(3), seeded(3)
    starts = random_segment_starts(lengths, 8, count, generator)
    assert torch.equal(starts[:, 0], (torch.rand(50, generator=plain) * (lengths - 7).clamp(min=1)).long())
    assert torch.equal(generator.get_state(), plain.get_state())


def test_a_clip_as_long_as_the_segment_or_shorter_starts_at_zero() -> None:
    lengths = torch.tensor([8, 7, 1]).repeat(200)
    assert not random_segment_starts(lengths, 8, 3, seeded()).any()


@pytest.mark.parametrize(("uniform", "place"), [(0.0, 0), (1 - 2**-24, -1)])
def test_the_smallest_and_the_largest_draw_reach_the_first_and_the_last_place(
    monkeypatch: pytest.MonkeyPatch, uniform: float, place: int
) -> None:
    lengths = torch.tensor([8, 9, 100, 8191, 2**20, 2**24 + 11])
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(tuple(shape), uniform))
    starts = random_segment_starts(lengths, 8, 1)[:, 0]
    if place == 0:
        assert not starts.any()
    else:
        # The last clip has more places than float32 has steps.
        assert torch.equal(starts[:-1], lengths[:-1] - 8)
        assert int(starts[-1]) + 8 <= int(lengths[-1])


def test_the_same_seed_draws_the_same_starts() -> None:
    lengths = torch.randint(8, 500, (50,), generator=seeded())
    first, again = (random_segment_starts(lengths, 8, 2, seeded(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, random_segment_starts(lengths, 8, 2, seeded(4)))
