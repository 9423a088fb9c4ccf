"""A normalised weight is kept as magnitude and direction, and folding them gives what torch's layer multiplies by."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from voices.weight_norm import WeightNorm, folded, put_weight_norm, stored, unfolded, weight_norms

SPELLINGS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))


def random_norm(shape: tuple[int, ...], seed: int, lengths: float = 1.0) -> WeightNorm:
    """A magnitude that is not the norm of its direction, some of it negative."""
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(shape, generator=generator) * lengths
    return WeightNorm(torch.randn(shape[0], *[1] * (len(shape) - 1), generator=generator), direction)


def in_file(norm: WeightNorm, spelling: tuple[str, str], name: str = "layer") -> dict[str, Tensor]:
    return {f"{name}.{spelling[0]}": norm.magnitude, f"{name}.{spelling[1]}": norm.direction}


@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple),
    seed=st.integers(0, 2**32),
    exponent=st.integers(-15, 15),
    spelling=st.sampled_from(SPELLINGS),
)
def test_magnitude_and_direction_of_any_file_reach_a_layer_and_a_file_bit_for_bit(
    shape: tuple[int, ...], seed: int, exponent: int, spelling: tuple[str, str]
) -> None:
    given_norm = random_norm(shape, seed, 10.0**exponent)
    tensors = in_file(given_norm, spelling)
    (norm,) = weight_norms(tensors).values()
    layer = weight_norm(nn.Linear(math.prod(shape[1:]), shape[0]))
    put_weight_norm(layer, norm.shaped((shape[0], math.prod(shape[1:]))))
    for magnitude, direction in (
        (layer.parametrizations.weight.original0, layer.parametrizations.weight.original1),
        stored("layer.weight", norm).values(),
    ):
        assert torch.equal(magnitude.flatten(), given_norm.magnitude.flatten())
        assert torch.equal(direction.flatten(), given_norm.direction.flatten())
    plain = folded(tensors, "file")["layer.weight"].flatten(1)
    torch.testing.assert_close(layer.weight, plain, rtol=1e-5, atol=1e-6 * float(plain.abs().max()))


@given(shape=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple), seed=st.integers(0, 2**32))
def test_a_plain_weight_taken_apart_is_put_together_to_the_same_bits(shape: tuple[int, ...], seed: int) -> None:
    weight = random_norm(shape, seed).direction
    weight[0] = 0.0
    again = folded(stored("layer.weight", unfolded(weight)), "file")["layer.weight"]
    assert torch.equal(again, weight)


@pytest.mark.parametrize("length", [0.0, 1e-30, 1e30])
def test_rows_whose_length_float32_cannot_square_can_be_trained_and_the_others_stay_as_they_are(length: float) -> None:
    given_norm = random_norm((3, 4), seed=1)
    given_norm.direction[1] *= length
    tensors = in_file(given_norm, SPELLINGS[0])
    norm = weight_norms(tensors)["layer.weight"]
    assert torch.equal(norm.direction[::2], given_norm.direction[::2])
    assert torch.equal(norm.magnitude[::2], given_norm.magnitude[::2])
    layer = weight_norm(nn.Linear(4, 3))
    put_weight_norm(layer, norm)
    torch.testing.assert_close(layer.weight, folded(tensors, "file")["layer.weight"])
    layer(torch.ones(1, 4)).sum().backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.isfinite().all())


def test_a_weight_that_is_normalised_over_another_dimension_is_folded_and_not_kept() -> None:
    direction = torch.tensor([[3.0, 1.0], [4.0, 0.0]])
    tensors = {"layer.weight_g": torch.tensor([[10.0, 2.0]]), "layer.weight_v": direction}
    assert weight_norms(tensors) == {}
    assert folded(tensors, "file")["layer.weight"].tolist() == [[6.0, 2.0], [8.0, 0.0]]
