"""The periodic activation against float64, and what of its harmonics is folded back."""

import numpy as np
import pytest
import torch
from scipy import signal

from models.layers.snake import AntialiasedSnake, Snake
from tests.rounding import assert_same, float64, growth
from tests.voices.random_voice import largest_difference, noise, randomised

TAPS = signal.firwin(12, 0.25, window=("kaiser", signal.kaiser_beta(51.0212)), fs=1.0)  # as BigVGAN designs them


def activated(x: np.ndarray, snake: Snake) -> np.ndarray:
    alpha, beta = (letter.detach().double().exp().numpy() for letter in (snake.log_alpha, snake.log_beta))
    return x + np.sin(alpha * x) ** 2 / beta


def antialiased(x: np.ndarray, snake: Snake) -> np.ndarray:
    """Zeros between the places, the filter, the activation, the filter, and every second place."""
    doubled = signal.upfirdn(2 * TAPS, x, up=2, axis=2)
    made = signal.upfirdn(TAPS, activated(doubled, snake), down=1, axis=2)
    start = len(TAPS) - 1  # both filters are late by half their length less a half
    return made[:, :, start : start + 2 * x.shape[2] : 2]


@pytest.mark.parametrize(("build", "expected"), [(Snake, activated), (AntialiasedSnake, antialiased)])
@pytest.mark.parametrize("places", [1, 2, 40])
@torch.no_grad()
@float64()
def test_activation_is_that_of_double_precision(build: type[Snake], expected: object, places: int) -> None:
    assert callable(expected)
    snake, x = randomised(lambda: build(3)), 2 * noise(2, 3, places)
    assert float(snake.log_alpha.std()) > 0.1, "every channel has letters of its own"
    # The filter's own taps are kept in float32: with them it is applied twice, over its length.
    bound = growth(1) * 4 * float(x.abs().max() + 1 / snake.log_beta.exp().min())
    assert_same(snake(x), torch.from_numpy(expected(x.numpy(), snake)), bound=bound)


@torch.no_grad()
def test_harmonics_beyond_nyquist_are_not_folded_back() -> None:
    """With alpha 4 a sine at 0.09 of the rate has harmonics at 0.72, 0.9 and 1.08, which fold to 0.28, 0.1 and 0.08."""
    places, of_sine = 4000, 360
    sine = torch.sin(2 * torch.pi * of_sine / places * torch.arange(places)).view(1, 1, -1)
    harmonics = {}
    for build in (Snake, AntialiasedSnake):
        snake = build(1)
        snake.log_alpha.fill_(np.log(4))
        inner = snake(sine)[0, 0].double() * torch.hann_window(places)  # the sine starts and ends suddenly
        harmonics[build] = torch.fft.rfft(inner).abs().square()[[2 * of_sine, 4 * of_sine, 1120, 400, 320]]
    change = 10 * torch.log10(harmonics[AntialiasedSnake] / harmonics[Snake])  # dB
    assert float(change[2:].max()) < -25, "folded"
    assert float(change[0].abs()) < 1, "rightly there"


@torch.no_grad()
def test_speech_band_passes_as_through_the_plain_activation() -> None:
    x = 0.8 * torch.sin(2 * torch.pi * 0.02 * torch.arange(500))[None, None]
    plain, smooth = Snake(1)(x), AntialiasedSnake(1)(x)
    assert largest_difference(plain[:, :, 10:-10], smooth[:, :, 10:-10]) < 0.02


@torch.no_grad()
@float64()
def test_signal_goes_on_as_if_it_were_zero_beyond_its_ends() -> None:
    snake, x = randomised(lambda: AntialiasedSnake(2)), noise(1, 2, 30)
    padded = torch.nn.functional.pad(x, (7, 9))
    assert_same(snake(padded)[:, :, 7:-9], snake(x))


def test_place_depends_on_its_field_and_on_nothing_beyond() -> None:
    snake = randomised(lambda: AntialiasedSnake(1))
    x = noise(1, 1, 41).requires_grad_()
    (gradient,) = torch.autograd.grad(snake(x)[0, 0, 20], x)
    reached = gradient[0, 0].nonzero().flatten().tolist()
    assert (reached[0], reached[-1]) == (20 - AntialiasedSnake.receptive_field, 20 + AntialiasedSnake.receptive_field)


def test_filter_is_there_where_the_weights_have_yet_to_come() -> None:
    with torch.device("meta"):
        snake = AntialiasedSnake(2)
    assert snake.log_alpha.is_meta
    assert torch.equal(snake.early, AntialiasedSnake(2).early)
    assert list(snake.state_dict()) == ["log_alpha", "log_beta"]


@torch.no_grad()
def test_activation_is_made_in_float32_under_autocast() -> None:
    snake, x = randomised(lambda: AntialiasedSnake(2)), noise(1, 2, 30)
    with torch.autocast("cpu", torch.bfloat16):
        within, half = snake(x), snake(x.bfloat16())
    assert torch.equal(within, snake(x))
    assert half.dtype == torch.float32
    assert torch.equal(half, snake(x.bfloat16().float()))
