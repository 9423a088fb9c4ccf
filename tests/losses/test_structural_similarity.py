"""SSIM and MS-SSIM against scikit-image and torchmetrics, and by pencil."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from losses import ms_ssim_loss, ssim_loss
from losses.structural_similarity import SCALE_WEIGHTS, least_side, most_scales, scale_weights
from tests.rounding import assert_same, float64

RANGE = 12.0


def pictures(bands: int, frames: int, *, noise: float = 0.2, clips: int = 2) -> tuple[Tensor, Tensor]:
    """Ridges as of harmonics, and the same with noise: between 0 and the range."""
    generator = torch.Generator().manual_seed(0)
    up, along = torch.arange(bands)[:, None], torch.arange(frames)
    ridges = 1 + torch.sin(up / 3 + torch.sin(along / 9)) * torch.cos(along / 14)
    real = RANGE / 4 * ridges + RANGE / 8 * torch.rand(clips, bands, frames, generator=generator)
    drawn = torch.rand(clips, bands, frames, generator=generator)
    return real.double(), ((1 - noise) * real + noise * RANGE * drawn).double()


def by_scikit_image(real: Tensor, generated: Tensor, *, k1: float = 0.01) -> float:
    """The mean of all windows that lie within the picture, which is what scikit-image averages over."""
    return float(
        structural_similarity(
            *(real.double().numpy(), generated.double().numpy()),
            gaussian_weights=True,
            use_sample_covariance=False,
            data_range=RANGE,
            K1=k1,
        )
    )


@pytest.mark.parametrize("noise", [0.01, 0.2, 0.9])
@pytest.mark.parametrize(("bands", "frames"), [(80, 32), (11, 64), (80, 11)])
def test_ssim_is_that_of_scikit_image(bands: int, frames: int, noise: float) -> None:
    real, generated = pictures(bands, frames, noise=noise)
    expected = np.mean([by_scikit_image(*pair) for pair in zip(real, generated, strict=True)])
    assert ssim_loss(real, generated, data_range=RANGE).item() == pytest.approx(1 - expected, abs=1e-5)
    with float64():
        assert ssim_loss(real, generated, data_range=RANGE).item() == pytest.approx(1 - expected, abs=1e-9)


SIZES = pytest.mark.parametrize(("bands", "frames", "scales"), [(176, 208, 5), (104, 112, 4), (80, 96, 3), (80, 32, 2)])


@SIZES
@pytest.mark.parametrize("noise", [0.02, 0.4])
def test_ms_ssim_is_the_product_of_the_similarities_that_scikit_image_finds_at_each_scale(
    bands: int, frames: int, scales: int, noise: float
) -> None:
    real, generated = pictures(bands, frames - 3, noise=noise)
    expected = []
    for one, other in zip(real, generated, strict=True):
        similarity = 1.0
        for scale, weight in enumerate(scale_weights(scales)):
            size = 2**scale
            pair = [  # the means of squares of so many cells
                x[: bands // size * size, : (frames - 3) // size * size]
                .reshape(bands // size, size, (frames - 3) // size, size)
                .mean(dim=(1, 3))
                for x in (one, other)
            ]
            # With a huge K1 the luminance is 1, and contrast and structure are left.
            similarity *= by_scikit_image(*pair, k1=0.01 if scale == scales - 1 else 1e6) ** weight
        expected.append(1 - similarity)
    found = ms_ssim_loss(real, generated, data_range=RANGE, scales=scales).item()
    assert found == pytest.approx(np.mean(expected), abs=1e-5)
    with float64():
        found = ms_ssim_loss(real, generated, data_range=RANGE, scales=scales).item()
        assert found == pytest.approx(np.mean(expected), abs=1e-9)


@SIZES
@pytest.mark.parametrize("noise", [0.02, 0.4])
def test_ms_ssim_is_that_of_torchmetrics_where_the_edges_of_the_coarsest_scale_make_no_difference(
    bands: int, frames: int, scales: int, noise: float
) -> None:
    """Torchmetrics also averages over windows that reach beyond the picture, at the coarsest scale and there alone.

    So the pictures are tiles here, which are alike everywhere when they have been averaged to one cell.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure  # takes seconds

    size = 2 ** (scales - 1)
    tile = pictures(size, size, noise=noise)
    real, generated = (x.repeat(1, bands // size, frames // size) for x in tile)
    expected = multiscale_structural_similarity_index_measure(
        *(generated.unsqueeze(1), real.unsqueeze(1)), data_range=RANGE, betas=tuple(scale_weights(scales))
    )
    ours = ms_ssim_loss(real, generated, data_range=RANGE, scales=scales)
    assert ours.item() == pytest.approx(1 - expected.item(), abs=1e-5)
    assert ours.item() > 1e-4


@float64()
def test_what_is_flat_by_pencil() -> None:
    """Without contrast only the luminance differs, by the same everywhere."""
    real, generated = torch.full((1, 20, 20), 3.0), torch.full((1, 20, 20), 1.0)
    c1 = (0.01 * RANGE) ** 2
    luminance = (2 * 3 * 1 + c1) / (9 + 1 + c1)
    assert ssim_loss(real, generated, data_range=RANGE).item() == pytest.approx(1 - luminance)


def test_what_is_the_same_costs_nothing_and_noise_costs_the_more_the_louder() -> None:
    losses = [ssim_loss(*pictures(80, 32, noise=noise), data_range=RANGE).item() for noise in (0.0, 0.1, 0.4, 0.8)]
    assert losses[0] == pytest.approx(0.0, abs=1e-6)
    assert losses == sorted(losses)
    assert losses[-1] > 0.5


def mask(*lengths: int, frames: int) -> Tensor:
    return (torch.arange(frames) < torch.tensor(lengths)[:, None]).float().unsqueeze(1)


@float64()
def test_padding_changes_no_ssim_whatever_it_holds() -> None:
    real, generated = pictures(80, 48)
    within = mask(48, 29, frames=48)
    expected = np.mean([by_scikit_image(real[0], generated[0]), by_scikit_image(real[1, :, :29], generated[1, :, :29])])
    for padding in (0.0, 7.0):
        filled, other = (x * within + padding * (1 - within) for x in (real, generated))
        assert ssim_loss(filled, other, within, data_range=RANGE).item() == pytest.approx(1 - expected, abs=1e-9)


@float64()
@pytest.mark.parametrize(("scales", "length"), [(2, 26), (2, 29), (3, 44), (3, 51)])
def test_padding_changes_no_ms_ssim(scales: int, length: int) -> None:
    """A cell of a coarser scale that is made of a frame and of padding does not count, as where the picture ends."""
    real, generated = pictures(80, 64)
    within = mask(64, length, frames=64)
    alone = [
        ms_ssim_loss(x[:1], y[:1], data_range=RANGE, scales=scales)
        for x, y in ((real, generated), (real[1:, :, :length], generated[1:, :, :length]))
    ]
    together = ms_ssim_loss(real * within, generated * within, within, data_range=RANGE, scales=scales)
    assert_same(together, torch.stack(alone).mean())


@float64()
def test_a_clip_that_is_shorter_than_a_window_costs_nothing_and_stays_a_clip_of_the_mean() -> None:
    real, generated = pictures(80, 32)
    for scales, short in ((1, 10), (2, 21)):
        within = mask(32, short, frames=32)
        alone = ms_ssim_loss(real[:1], generated[:1], data_range=RANGE, scales=scales)
        made = (generated * within).requires_grad_()
        loss = ms_ssim_loss(real * within, made, within, data_range=RANGE, scales=scales)
        assert_same(loss, alone / 2)
        (gradient,) = torch.autograd.grad(loss, made)
        assert bool(gradient[0].any())
        assert not bool(gradient[1].any())


@float64()
@pytest.mark.parametrize("scales", [1, 2])
def test_gradients_are_those_of_finite_differences_and_none_reaches_the_real_side(scales: int) -> None:
    real, generated = (x[:, :23].requires_grad_() for x in pictures(24, 25, noise=0.1))
    within = mask(25, 22, frames=25)
    generated = generated.detach().requires_grad_()

    def loss(x: Tensor) -> Tensor:
        return ms_ssim_loss(real, x, within, data_range=RANGE, scales=scales)

    assert torch.autograd.gradcheck(loss, generated, fast_mode=True)
    (by_real,) = torch.autograd.grad(loss(generated), real, allow_unused=True)
    assert by_real is None


def test_pictures_that_contradict_each_other_have_finite_losses_and_gradients() -> None:
    """Where contrast and structure are negative, a fractional power of them is not a number."""
    real, _ = pictures(80, 44)
    opposite = (RANGE - real).requires_grad_()
    for scales in (1, 2, 3):
        loss = ms_ssim_loss(real, opposite, data_range=RANGE, scales=scales)
        (gradient,) = torch.autograd.grad(loss, opposite)
        assert bool(gradient.isfinite().all())
        assert loss.item() >= 1.0


def test_a_picture_follows_its_gradients_to_the_other() -> None:
    real, generated = (x.float() for x in pictures(80, 32, noise=0.3))
    made = generated.clone().requires_grad_()
    optimizer, losses = torch.optim.Adam([made], lr=0.1), []
    for _ in range(30):
        optimizer.zero_grad()
        loss = ms_ssim_loss(real, made, data_range=RANGE, scales=2)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_the_weights_of_five_scales_are_published_and_those_of_fewer_add_up_to_one() -> None:
    assert tuple(scale_weights(5)) == SCALE_WEIGHTS == (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    for scales in (1, 2, 3, 4):
        weights = scale_weights(scales)
        assert sum(weights) == pytest.approx(1.0)
        ratios = [weight / published for weight, published in zip(weights, SCALE_WEIGHTS, strict=False)]
        assert ratios == pytest.approx([ratios[0]] * scales)


def test_too_small_a_picture_is_refused_and_told_what_it_needs() -> None:
    assert [least_side(scales) for scales in (1, 2, 3, 4, 5)] == [11, 22, 44, 88, 176]
    assert [most_scales(80, frames) for frames in (10, 11, 21, 22, 32, 44, 500)] == [0, 1, 1, 2, 2, 3, 3]
    assert most_scales(300, 200) == 5
    with pytest.raises(ValueError, match="5 scales need a picture of 176 by 176 cells, not 80 by 32"):
        ms_ssim_loss(*pictures(80, 32), data_range=RANGE)
    with pytest.raises(ValueError, match="1 scales need a picture of 11 by 11 cells, not 80 by 10"):
        ssim_loss(*pictures(80, 10), data_range=RANGE)
    with pytest.raises(ValueError, match="MS-SSIM has 1 to 5 scales, not 0"):
        ms_ssim_loss(*pictures(80, 32), data_range=RANGE, scales=0)
