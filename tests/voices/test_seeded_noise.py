"""Noise without torch is the noise of torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from voices.seeded_noise import SeededNoise

# Box and Muller's radius is at most 5.8 and their angle 2 pi. Two processors round the angle once each, and take the
# logarithm, the root and the cosine to two units in the last place each.
ROUNDING = 5.8 * (2 * 2 * np.pi + 2 * 2 + 2 * 2) * 2**-24
SHAPES = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)


@given(seed=st.integers(0, 2**63 - 1), shapes=st.lists(SHAPES, min_size=1, max_size=6))
def test_a_seed_draws_what_torch_draws_in_any_shapes_one_after_the_other(
    seed: int, shapes: list[tuple[int, ...]]
) -> None:
    generator, noise = torch.Generator().manual_seed(seed), SeededNoise(seed)
    for shape in shapes:
        ours, theirs = noise.normal(shape), torch.randn(shape, generator=generator).numpy()
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("count", [1, 2, 3, 15, 16, 17, 31, 32, 33, 100_003])
def test_every_length_around_a_block_is_drawn_as_torch_draws_it(count: int) -> None:
    generator, noise = torch.Generator().manual_seed(5), SeededNoise(5)
    for _ in range(3):
        theirs = torch.randn(count, generator=generator).numpy()
        np.testing.assert_allclose(noise.normal((count,)), theirs, rtol=0, atol=ROUNDING)


def test_without_a_seed_no_two_are_alike() -> None:
    first, second = SeededNoise().normal((1000,)), SeededNoise().normal((1000,))
    assert not np.allclose(first, second)
    assert abs(first.mean()) < 0.2
    assert first.std() == pytest.approx(1, abs=0.2)
