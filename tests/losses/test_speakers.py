"""The losses between speakers by pencil and against those of torch.nn."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses import contrastive_loss, cycle_consistency_loss, identity_loss, info_nce_loss
from tests.rounding import assert_same, float64


def drawn(*sizes: int, seed: int = 0) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ------------------------------------------------------------------------------------------------------ contrastive


def test_pairs_by_pencil() -> None:
    """At distances 5, 1/2 and 5 with a margin of 2: 25 / 2, 1.5^2 / 2 and nothing."""
    here = torch.zeros(3, 2)
    there = torch.tensor([[3.0, 4.0], [0.5, 0.0], [3.0, 4.0]])
    each = [
        contrastive_loss(here[i : i + 1], there[i : i + 1], torch.tensor([same]), margin=2.0).item()
        for i, same in enumerate((1, 0, 0))
    ]
    assert each == [12.5, 1.125, 0.0]
    assert contrastive_loss(here, there, torch.tensor([True, False, False]), margin=2.0).item() == pytest.approx(
        sum(each) / 3
    )


@float64()
def test_embeddings_of_length_one_and_one_speaker_have_the_cosine_loss_of_torch() -> None:
    here, there = F.normalize(drawn(9, 5)), F.normalize(drawn(9, 5, seed=1))
    assert_same(contrastive_loss(here, there, torch.ones(9)), nn.CosineEmbeddingLoss()(here, there, torch.ones(9)))


@float64()
def test_the_hinge_of_different_speakers_is_that_of_torch() -> None:
    here, there = drawn(9, 5), drawn(9, 5, seed=1)
    hinge = nn.HingeEmbeddingLoss(margin=3.5, reduction="none")(nn.PairwiseDistance(eps=0)(here, there), -torch.ones(9))
    assert float(hinge.min()) == 0.0 < float(hinge.max())
    assert_same(contrastive_loss(here, there, torch.zeros(9), margin=3.5), hinge.square().mean() / 2)


def test_equal_embeddings_of_different_speakers_have_a_finite_gradient() -> None:
    here = torch.ones(2, 3, requires_grad=True)
    loss = contrastive_loss(here, torch.ones(2, 3), torch.tensor([0, 1]))
    (gradient,) = torch.autograd.grad(loss, here)
    assert loss.item() == 0.25  # (1 / 2 + 0) / 2
    assert not gradient.any()


# ---------------------------------------------------------------------------------------------------------- InfoNCE


def test_one_reference_of_each_speaker_by_pencil() -> None:
    """Cosine 1 and 0 at temperature 1 / log 3: shares of 3 / 4 and 1 / 4."""
    references = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
    query, temperature = torch.tensor([[7.0, 0.0]]), 1 / math.log(3)
    for speaker, share in ((0, 3 / 4), (1, 1 / 4)):
        loss = info_nce_loss(query, references, torch.tensor([speaker]), torch.arange(2), temperature=temperature)
        assert loss.item() == pytest.approx(-math.log(share))


@float64()
def test_it_is_the_cross_entropy_of_torch_over_cosine_similarities() -> None:
    queries, references = drawn(8, 5), drawn(4, 5, seed=1)
    speakers = torch.tensor([0, 1, 2, 3, 3, 2, 1, 1])
    logits = nn.CosineSimilarity(dim=2)(queries[:, None], references) / 0.2
    ours = info_nce_loss(queries, references, speakers, torch.arange(4), temperature=0.2)
    assert_same(ours, nn.CrossEntropyLoss()(logits, speakers))


@float64()
def test_several_references_have_the_mean_of_their_losses_and_a_speaker_without_one_does_not_count() -> None:
    queries, references = drawn(3, 5), drawn(4, 5, seed=1)
    of_references = torch.tensor([0, 0, 1, 2])
    ours = info_nce_loss(queries, references, torch.tensor([0, 7, 1]), of_references, temperature=0.5)
    logits = nn.CosineSimilarity(dim=2)(queries[:, None], references) / 0.5
    first = (F.cross_entropy(logits[:1], torch.tensor([0])) + F.cross_entropy(logits[:1], torch.tensor([1]))) / 2
    assert_same(ours, (first + F.cross_entropy(logits[2:], torch.tensor([2]))) / 2)
    assert info_nce_loss(queries, references, torch.tensor([7, 8, 9]), of_references).item() == 0.0


def test_embeddings_that_tell_nothing_apart_cost_the_logarithm_of_their_number() -> None:
    loss = info_nce_loss(torch.ones(3, 5), torch.ones(6, 5), torch.tensor([0, 1, 2]), torch.arange(6))
    assert loss.item() == pytest.approx(math.log(6))


@float64()
def test_gradients_are_those_of_finite_differences_and_none_reaches_the_references() -> None:
    queries, references = drawn(6, 5).requires_grad_(), drawn(6, 5, seed=1).requires_grad_()
    speakers = torch.tensor([0, 1, 2, 0, 1, 2])
    losses: list[Callable[[Tensor], Tensor]] = [
        lambda x: contrastive_loss(x, references, speakers == 1, margin=3.0),
        lambda x: info_nce_loss(x, references, speakers, speakers),
    ]
    for loss in losses:
        assert torch.autograd.gradcheck(loss, queries)
        (by_reference,) = torch.autograd.grad(loss(queries), references, allow_unused=True)
        assert by_reference is None


# ----------------------------------------------------------------------------------------------- cycle and identity


@pytest.mark.parametrize("loss", [cycle_consistency_loss, identity_loss])
@float64()
def test_a_conversion_costs_the_l1_of_the_frames_that_count(loss: Callable[..., Tensor]) -> None:
    real, made = drawn(2, 7, 12).requires_grad_(), drawn(2, 7, 12, seed=1).requires_grad_()
    mask = (torch.arange(12) < torch.tensor([12, 5])[:, None]).double().unsqueeze(1)
    own = [torch.cat((x[0].flatten(), x[1, :, :5].flatten())) for x in (real, made)]
    assert_same(loss(real, made, mask), nn.L1Loss()(*own))
    assert_same(loss(real, made), nn.L1Loss()(real, made))
    by_real, by_made = torch.autograd.grad(loss(real, made, mask), (real, made), allow_unused=True)
    assert by_real is None
    assert_same(by_made, (made - real).sign() * mask / (17 * 7))
