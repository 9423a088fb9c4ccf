"""Structural similarity (SSIM) and multi-scale SSIM of spectrograms, which are read as pictures.

SSIM: Wang, Bovik, Sheikh & Simoncelli, "Image quality assessment: from error visibility to structural similarity"
(2004), equations 13 to 17. MS-SSIM: Wang, Simoncelli & Bovik, "Multi-scale structural similarity for image quality
assessment" (2003), equation 7 and section 3.2.

B batch · M mel bands · F frames · H, W heights and widths of the maps of windows that lie within the picture
"""

import functools
import operator

import torch
from torch import Tensor
from torch.nn import functional as F

SIGMA = 1.5  # of the Gaussian window, in cells
TAPS = 11
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the 2003 paper: from the finest scale to the coarsest
_K1, _K2 = 0.01, 0.03


def ssim_loss(real: Tensor, generated: Tensor, mask: Tensor | None = None, *, data_range: float) -> Tensor:
    """1 - SSIM, averaged over the windows of each clip and then over clips.

    Windows that touch padding do not count, nor do those that would reach beyond the picture. A clip that is shorter
    than a window costs nothing.

    Args:
        real: [B, M, F], not negative; the target, which receives no gradient.
        generated: [B, M, F].
        mask: [B, 1, F], ones up to each clip's end; None counts every frame.
        data_range: difference between the largest and the smallest possible value.

    Returns:
        0-d tensor.

    Raises:
        ValueError: a side is shorter than the window.
    """
    return ms_ssim_loss(real, generated, mask, data_range=data_range, scales=1)


def ms_ssim_loss(
    real: Tensor, generated: Tensor, mask: Tensor | None = None, *, data_range: float, scales: int = len(SCALE_WEIGHTS)
) -> Tensor:
    """1 - MS-SSIM, averaged over clips: contrast and structure at every scale, luminance at the coarsest.

    Each scale halves the picture by averaging two by two cells. With fewer than five scales the weights of the finest
    ones are kept and divided by their sum. A scale at which contrast and structure disagree (a negative mean) counts as
    0, and with it the clip's whole product, which then teaches nothing: the loss is for generators that come close.

    Args:
        real: [B, M, F], not negative; the target, which receives no gradient.
        generated: [B, M, F].
        mask: [B, 1, F], ones up to each clip's end; None counts every frame. Windows that touch padding do not count; a
            clip that is shorter than a window of the coarsest scale costs nothing.
        data_range: difference between the largest and the smallest possible value.
        scales: from 1, which is SSIM, to 5.

    Returns:
        0-d tensor.

    Raises:
        ValueError: there are no weights for so many scales, or a side is too short for them.
    """
    bands, frames = real.shape[1:]
    if scales > most_scales(bands, frames):
        least = least_side(scales)
        raise ValueError(
            f"{scales} scales need a picture of {least} by {least} cells, not {bands} by {frames}: ask for fewer scales"
        )
    weights = scale_weights(scales)
    both = torch.stack((real.detach().float(), generated.float()))  # [2, B, M, F]
    valid = torch.ones_like(both[0, :, :1]) if mask is None else mask.float()  # [B, 1, F]
    with torch.autocast(both.device.type, enabled=False):
        factors = []
        for scale, weight in enumerate(weights):
            if scale > 0:
                both = F.avg_pool2d(both, 2)
                valid = -F.max_pool1d(-valid, 2)  # where both of two frames are
            luminance, contrast = _similarity(both[0], both[1], data_range)  # [B, H, W]
            windows = -F.max_pool1d(-valid, TAPS, stride=1)  # [B, 1, W], ones where all frames of a window are
            is_coarsest = scale == scales - 1
            mean = _mean_of_windows(luminance * contrast if is_coarsest else contrast, windows)  # [B]
            factors.append(mean if scales == 1 else _power(mean, weight))
        similarity = functools.reduce(operator.mul, factors)
        return ((1 - similarity) * windows.amax(dim=(1, 2))).mean()


def scale_weights(scales: int) -> list[float]:
    """The weights of so many scales, from the finest to the coarsest; of fewer than five, divided by their sum.

    Raises:
        ValueError: there are none for so many.
    """
    if not 1 <= scales <= len(SCALE_WEIGHTS):
        raise ValueError(f"MS-SSIM has 1 to {len(SCALE_WEIGHTS)} scales, not {scales}")
    if scales == len(SCALE_WEIGHTS):
        return list(SCALE_WEIGHTS)  # as published, although they add up to 1.0001
    total = sum(SCALE_WEIGHTS[:scales])
    return [weight / total for weight in SCALE_WEIGHTS[:scales]]


def least_side(scales: int) -> int:
    """Cells of the shorter side at least, so that a window fits into the coarsest of so many scales."""
    return TAPS << (scales - 1)


def most_scales(bands: int, frames: int) -> int:
    """The scales that a picture of this size has, 0 where not even one window fits, and 5 at most."""
    return sum(least_side(scales) <= min(bands, frames) for scales in range(1, len(SCALE_WEIGHTS) + 1))


def _similarity(real: Tensor, generated: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """Of pictures [B, M, F]: luminance, and contrast times structure, of each window (equation 13); [B, H, W]."""
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    middle = real.mean(dim=(1, 2), keepdim=True)  # without it the squares would be large, and their rounding as well
    x, y = real - middle, generated - middle
    mean_x, mean_y, square_x, square_y, product = _smooth(torch.stack((x, y, x * x, y * y, x * y)))  # [B, H, W]
    mean_r, mean_g = mean_x + middle, mean_y + middle
    luminance = (2 * mean_r * mean_g + c1) / (mean_r.square() + mean_g.square() + c1)
    variances = (square_x - mean_x.square()) + (square_y - mean_y.square())
    return luminance, (2 * (product - mean_x * mean_y) + c2) / (variances + c2)


def _smooth(pictures: Tensor) -> Tensor:
    """Pictures [..., M, F] under the Gaussian window, wherever it fits: [..., H, W].

    As two matrix products: a convolution in TensorFloat-32, PyTorch's default on a GPU, would lose the variances.
    """
    over_bands, over_frames = (_window_matrix(size, pictures) for size in pictures.shape[-2:])  # [H, M], [W, F]
    return over_bands @ pictures @ over_frames.T


def _window_matrix(size: int, like: Tensor) -> Tensor:
    """Row i has the Gaussian window from cell i on: [size - 10, size], in the dtype and on the device of a tensor."""
    cells = torch.arange(size, device=like.device, dtype=like.dtype)
    offset = cells - cells[: size - TAPS + 1, None]
    window = torch.exp(-(offset - TAPS // 2).square() / (2 * SIGMA**2)) * ((offset >= 0) & (offset < TAPS))
    return window / window.sum(dim=1, keepdim=True)


def _mean_of_windows(values: Tensor, windows: Tensor) -> Tensor:
    """Mean [B] of [B, H, W] over the windows that count, ones in [B, 1, W]; 0 where there are none."""
    return (values * windows).sum(dim=(1, 2)) / (windows.sum(dim=(1, 2)) * values.shape[1]).clamp(min=1)


def _power(x: Tensor, exponent: float) -> Tensor:
    """max(x, 0) ** exponent, with a gradient of 0 in the place of 0 times infinity where x is not positive."""
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1.0) ** exponent, 0.0)
