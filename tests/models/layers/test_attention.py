"""Relative attention against the double loop of its definition, in float64."""

import math

import pytest
import torch
from torch import Tensor

from models.layers.attention import RelativeAttention
from models.masks import length_mask
from tests.voices.random_voice import noise, randomised

CHANNELS, HEADS, WINDOW = 12, 3, 2


def attention() -> RelativeAttention:
    return randomised(lambda: RelativeAttention(CHANNELS, HEADS, WINDOW, dropout=0.1)).double()


def attend_by_loops(layer: RelativeAttention, x: Tensor, length: int) -> Tensor:
    """Shaw et al. (2018), equations 3 and 4, for one sentence [P, H]: every query against every real key."""
    size, width = x.shape[0], CHANNELS // HEADS
    query, key, value = layer.query(x), layer.key(x), layer.value(x)
    heads = []
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        rows = []
        for i in range(size):
            scores, values = [], []
            for j in range(length):
                distance = j - i
                near = abs(distance) <= WINDOW
                relative_key = layer.relative_keys[distance + WINDOW] if near else torch.zeros(width)
                relative_value = layer.relative_values[distance + WINDOW] if near else torch.zeros(width)
                scores.append(query[i, part] @ (key[j, part] + relative_key.double()) / math.sqrt(width))
                values.append(value[j, part] + relative_value.double())
            weights = torch.stack(scores).softmax(dim=0)
            rows.append(sum((weight * v for weight, v in zip(weights, values, strict=True)), torch.zeros(width)))
        heads.append(torch.stack(rows))
    return layer.output(torch.cat(heads, dim=1))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
@torch.no_grad()
def test_attention_is_the_double_loop_over_queries_and_keys(size: int) -> None:
    layer, x = attention(), noise(1, size, CHANNELS).double()
    ours = layer(x, torch.ones(1, 1, size))
    torch.testing.assert_close(ours[0], attend_by_loops(layer, x[0], size), atol=1e-12, rtol=0)


@torch.no_grad()
def test_attention_of_a_padded_batch_is_the_double_loop_over_each_sentence() -> None:
    layer, lengths = attention(), torch.tensor([7, 1, 4])
    x = noise(3, 7, CHANNELS).double()
    ours = layer(x, length_mask(lengths, 7))
    for b, length in enumerate(lengths.tolist()):
        expected = attend_by_loops(layer, x[b], length)
        torch.testing.assert_close(ours[b, :length], expected[:length], atol=1e-12, rtol=0)


@torch.no_grad()
def test_without_relative_parts_the_order_of_the_keys_does_not_matter() -> None:
    layer, x = attention(), noise(1, 8, CHANNELS).double()
    order = torch.tensor([3, 0, 7, 2, 6, 1, 5, 4])
    mask = torch.ones(1, 1, 8)
    assert not torch.allclose(layer(x, mask)[:, order], layer(x[:, order], mask)), "positions must be heard"
    layer.relative_keys.zero_()
    layer.relative_values.zero_()
    torch.testing.assert_close(layer(x, mask)[:, order], layer(x[:, order], mask), atol=1e-12, rtol=0)
