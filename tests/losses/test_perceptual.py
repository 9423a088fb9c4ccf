"""The perceptual loss by pencil, and against torch.nn.MSELoss of the maps of a frozen network."""

import pytest
import torch
from torch import Tensor, nn

from losses import perceptual_loss
from tests.rounding import assert_same, float64


def drawn(*sizes: int, seed: int = 0) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_maps_by_pencil() -> None:
    """Layers that are 1 and 3 apart everywhere cost 1 and 9, and 5 together, however large they are."""
    real = [torch.zeros(2, 4, 8), torch.zeros(2, 1, 3)]
    assert perceptual_loss(real, [real[0] + 1, real[1] - 3]).item() == 5.0


@float64()
def test_it_is_the_squared_error_of_the_positions_that_count() -> None:
    """A mask of 8 times is one of 4 positions and of 2: 3 times are two positions of the one and one of the other."""
    real, made = [drawn(2, 5, 4), drawn(2, 3, 2)], [drawn(2, 5, 4, seed=1), drawn(2, 3, 2, seed=2)]
    mask = (torch.arange(8) < torch.tensor([8, 3])[:, None]).double().unsqueeze(1)
    expected = 0.0
    for of_real, of_made, count in zip(real, made, (2, 1), strict=True):
        own = [torch.cat((x[0].flatten(), x[1, :, :count].flatten())) for x in (of_real, of_made)]
        expected += nn.MSELoss()(*own) / 2
    assert_same(perceptual_loss(real, made, mask), torch.as_tensor(expected))
    made[0][1, :, 2:], made[1][1, :, 1:] = 1e3, -1e3  # beyond what counts
    assert_same(perceptual_loss(real, made, mask), torch.as_tensor(expected))


def test_a_clip_shorter_than_half_a_position_is_no_division_by_zero() -> None:
    mask = (torch.arange(100) < 10).float().expand(1, 1, 100)
    assert perceptual_loss([torch.zeros(1, 2, 1)], [torch.ones(1, 2, 1)], mask).item() == 1.0


@float64()
def test_gradients_pass_through_a_network_to_the_generated_side_alone() -> None:
    torch.manual_seed(0)
    layers = nn.ModuleList([nn.Conv1d(1, 4, 3), nn.Conv1d(4, 2, 3)]).requires_grad_(False)

    def maps(audio: Tensor) -> list[Tensor]:
        first = layers[0](audio).tanh()
        return [first, layers[1](first)]

    real, made = drawn(2, 1, 20).requires_grad_(), drawn(2, 1, 20, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: perceptual_loss(maps(real), maps(x)), made)
    by_real, by_made = torch.autograd.grad(perceptual_loss(maps(real), maps(made)), (real, made), allow_unused=True)
    assert by_real is None
    assert by_made.any()


@pytest.mark.parametrize(
    ("real", "made"), [([], []), ([torch.ones(1, 1, 2)], []), ([torch.ones(1, 1, 2)], [torch.ones(1, 1, 3)])]
)
def test_maps_that_do_not_belong_together_are_refused(real: list[Tensor], made: list[Tensor]) -> None:
    with pytest.raises(ValueError, match=r"feature maps|same shape"):
        perceptual_loss(real, made)
