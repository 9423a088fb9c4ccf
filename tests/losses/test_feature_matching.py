"""The published variants of feature matching, by pencil; that of VITS is in test_adversarial.py too."""

import pytest
import torch
from torch import Tensor, nn

from losses import feature_loss
from losses.feature_matching import FeatureMatchingKind
from tests.rounding import assert_same, float64

KINDS: tuple[FeatureMatchingKind, ...] = ("sum", "mean", "relative")


def by_pencil() -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """Two sub-discriminators: two layers and logits, and one layer and logits."""
    real = [[[2.0, -2.0], [4.0]], [[-1.0, 1.0, 1.0, 1.0]]]
    generated = [[[3.0, 0.0], [3.0]], [[-1.0, 1.0, 1.0, -1.0]]]
    logits = [[1.0], [0.0]]
    return (
        [[torch.tensor(layer) for layer in (*layers, last)] for layers, last in zip(real, logits, strict=True)],
        [[torch.tensor(layer) for layer in (*layers, [9.0])] for layers in generated],
    )


def maps(seed: int) -> list[list[Tensor]]:
    """Two sub-discriminators of different depth, on two clips."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (((2, 4, 9), (2, 8, 5), (2, 1, 5)), ((2, 3, 6, 2), (2, 1, 6, 2)))
    return [[torch.randn(size, generator=generator, dtype=torch.float64) for size in layers] for layers in sizes]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sum", 2 * (1.5 + 1 + 8 + 0.5 + 9)),  # every layer and the logits
        ("mean", (1.5 + 1 + 0.5) / 3),
        ("relative", (1.5 / 2 + 1 / 4 + 0.5 / 1) / 3),
    ],
)
def test_each_definition_by_pencil(kind: FeatureMatchingKind, expected: float) -> None:
    assert feature_loss(*by_pencil(), kind=kind).item() == pytest.approx(expected)


@float64()
def test_each_definition_is_a_sum_of_torchs_l1_losses() -> None:
    real, generated, l1 = maps(0), maps(1), nn.L1Loss()
    all_pairs = [pair for layers in zip(real, generated, strict=True) for pair in zip(*layers, strict=True)]
    hidden = [pair for layers in zip(real, generated, strict=True) for pair in list(zip(*layers, strict=True))[:-1]]
    assert_same(feature_loss(real, generated), 2 * sum((l1(*pair) for pair in all_pairs), torch.zeros(())))
    assert_same(feature_loss(real, generated, kind="mean"), torch.stack([l1(*pair) for pair in hidden]).mean())
    relative = torch.stack([l1(*pair) / pair[0].abs().mean() for pair in hidden]).mean()
    assert_same(feature_loss(real, generated, kind="relative"), relative)


@float64()
def test_the_relative_one_does_not_change_with_the_scale_of_a_layer() -> None:
    real, generated = maps(0), maps(1)
    louder = [[[100 * x for x in layers] for layers in side] for side in (real, generated)]
    assert_same(feature_loss(*louder, kind="relative"), feature_loss(real, generated, kind="relative"))
    assert_same(feature_loss(*louder, kind="mean"), 100 * feature_loss(real, generated, kind="mean"))


@float64()
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_generated_side_alone_and_are_those_of_finite_differences(
    kind: FeatureMatchingKind,
) -> None:
    real = [[x.requires_grad_() for x in layers] for layers in maps(0)]
    generated = [[x.requires_grad_() for x in layers] for layers in maps(1)]

    def loss(first: Tensor) -> Tensor:
        return feature_loss(real, [[first, *generated[0][1:]], generated[1]], kind=kind)

    assert torch.autograd.gradcheck(loss, generated[0][0])
    total = feature_loss(real, generated, kind=kind)
    leaves = [x for layers in real for x in layers]
    assert all(gradient is None for gradient in torch.autograd.grad(total, leaves, allow_unused=True))


@pytest.mark.parametrize("kind", ["mean", "relative"])
def test_the_logits_do_not_count_and_alone_are_refused(kind: FeatureMatchingKind) -> None:
    real, generated = maps(0), maps(1)
    other = [[*layers[:-1], layers[-1] + 5] for layers in generated]
    assert torch.equal(feature_loss(real, generated, kind=kind), feature_loss(real, other, kind=kind))
    with pytest.raises(ValueError, match="leaves the logits out"):
        feature_loss([[real[0][-1]]], [[generated[0][-1]]], kind=kind)


def test_a_real_map_of_zeros_is_finite() -> None:
    real = [[torch.zeros(1, 2, 3), torch.zeros(1)]]
    assert bool(feature_loss(real, [[torch.ones(1, 2, 3), torch.zeros(1)]], kind="relative").isfinite())


def test_a_definition_that_is_not_there_and_layers_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match="'median': choose from sum, mean, relative"):
        feature_loss(maps(0), maps(1), kind="median")  # type: ignore[arg-type]
    for kind in KINDS:
        with pytest.raises(ValueError, match=r"shorter|longer"):
            feature_loss(maps(0), [layers[:1] for layers in maps(1)], kind=kind)
