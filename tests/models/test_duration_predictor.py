"""Both duration predictors: costs by pencil and by change of variables, draws by inversion, no gradient to the text."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from models.duration_predictor import DurationPredictor
from models.masks import length_mask
from models.stochastic_duration_predictor import ChannelAffine, DurationFlow, StochasticDurationPredictor
from tests.rounding import SAME, assert_same, float64
from tests.voices.random_voice import noise, randomised, seeded

HIDDEN, CHANNELS, PHONEMES = 6, 8, 4


def stochastic(speaker_channels: int = 0) -> StochasticDurationPredictor:
    return randomised(
        lambda: StochasticDurationPredictor(
            hidden_channels=HIDDEN,
            channels=CHANNELS,
            kernel_size=3,
            couplings=4,
            dropout=0.5,
            speaker_channels=speaker_channels,
        )
    )


def deterministic(speaker_channels: int = 0) -> DurationPredictor:
    return randomised(
        lambda: DurationPredictor(
            hidden_channels=HIDDEN, channels=CHANNELS, kernel_size=3, dropout=0.5, speaker_channels=speaker_channels
        )
    )


def log_determinant_by_autograd(f: Callable[[Tensor], Tensor], x: Tensor) -> float:
    jacobian = torch.autograd.functional.jacobian(f, x)
    return float(torch.linalg.slogdet(jacobian.double()).logabsdet)


def log_normal(x: Tensor) -> float:
    return float(Normal(0.0, 1.0).log_prob(x.double()).sum())


@torch.no_grad()
@float64()
def test_inverse_of_the_duration_flow_gives_the_first_channel_back() -> None:
    flow = randomised(lambda: DurationFlow(CHANNELS, 3, 4))
    mask, condition = length_mask(torch.tensor([30, 11]), 30), noise(2, CHANNELS, 30)
    x = 2 * noise(2, 2, 30) * mask
    y, _ = flow(x, mask, condition)
    assert float((y - x).abs().max()) > 0.5
    assert_same(flow.inverse(y, mask, condition)[:, :1], x[:, :1])


@float64()
def test_log_determinant_of_the_duration_flow_is_what_autograd_finds() -> None:
    flow = randomised(lambda: DurationFlow(CHANNELS, 3, 4), seed=1)
    mask, condition = torch.ones(1, 1, PHONEMES), noise(1, CHANNELS, PHONEMES)
    x = noise(2 * PHONEMES)

    def forward(flat: Tensor) -> Tensor:
        return flow(flat.view(1, 2, PHONEMES), mask, condition)[0].flatten()

    _, log_determinant = flow(x.view(1, 2, PHONEMES), mask, condition)
    assert abs(float(log_determinant.detach())) > 0.5
    assert float(log_determinant.detach()) == pytest.approx(log_determinant_by_autograd(forward, x), abs=SAME)


@torch.no_grad()
@float64()
def test_channel_affine_scales_then_shifts_and_its_inverse_does_the_opposite() -> None:
    affine = ChannelAffine(2)
    affine.shift.copy_(torch.tensor([[3.0], [-1.0]]))
    affine.log_scale.copy_(torch.tensor([[math.log(2.0)], [math.log(0.5)]]))
    mask = torch.tensor([[[1.0, 1.0, 0.0]]])
    y, log_determinant = affine(torch.full((1, 2, 3), 4.0), mask)
    assert_same(y, torch.tensor([[[11.0, 11.0, 0.0], [1.0, 1.0, 0.0]]]))
    assert float(log_determinant) == pytest.approx(0.0, abs=SAME), "two places of log 2 + log 1/2"
    assert_same(affine.inverse(y, mask)[:, :, :2], torch.full((1, 2, 2), 4.0))


@float64()
def test_cost_is_the_variational_bound_with_densities_by_change_of_variables() -> None:
    """-log p(d - u, nu) + log q(u, nu), both densities from the Jacobian of the whole map to standard noise."""
    predictor, mask = stochastic(), torch.ones(1, 1, PHONEMES)
    hidden, durations = noise(1, HIDDEN, PHONEMES), torch.tensor([[1, 7, 2, 31]])
    noise_drawn = torch.randn(1, 2, PHONEMES, generator=seeded(7))
    condition = predictor.projection(predictor.stack(predictor.input(hidden), mask))
    seen = predictor.posterior_projection(
        predictor.posterior_stack(predictor.posterior_input(durations[:, None].float()), mask)
    )

    def dequantise(flat: Tensor) -> Tensor:
        """Noise -> (u, nu), what q draws."""
        latent, _ = predictor.posterior_flow(flat.view(1, 2, PHONEMES), mask, condition + seen)
        return torch.cat((latent[:, 0].sigmoid(), latent[:, 1])).flatten()

    def whiten(flat: Tensor) -> Tensor:
        """(d - u, nu) -> noise, what p knows."""
        real, nu = flat.view(2, PHONEMES)
        return predictor.flow(torch.stack((real.log(), nu))[None], mask, condition)[0].flatten()

    drawn = dequantise(noise_drawn.flatten()).detach()
    log_q = log_normal(noise_drawn) - log_determinant_by_autograd(dequantise, noise_drawn.flatten())
    augmented = torch.cat((durations[0] - drawn[:PHONEMES], drawn[PHONEMES:]))
    log_p = log_normal(whiten(augmented).detach()) + log_determinant_by_autograd(whiten, augmented)
    cost = predictor(hidden, mask, durations, generator=seeded(7))
    assert float(cost.detach()) == pytest.approx(log_q - log_p, rel=SAME)


@torch.no_grad()
@float64()
def test_drawn_durations_are_those_whose_noise_the_flow_would_find() -> None:
    """Speaking and learning use one flow: what `predict` draws from a noise, `forward` maps back to that noise."""
    predictor, mask = stochastic(), torch.ones(1, 1, 20)
    hidden = noise(1, HIDDEN, 20)
    log_durations = predictor.predict(hidden, mask, generator=seeded(7))
    drawn = torch.randn(1, 2, 20, generator=seeded(7))
    condition = predictor.projection(predictor.stack(predictor.input(hidden), mask))
    # The second channel that `inverse` leaves bent, unbent by hand.
    y = drawn
    for coupling in reversed(predictor.flow.couplings):
        y = coupling.inverse(y.flip(1), mask, condition)  # type: ignore[operator]
    x = predictor.flow.affine.inverse(y, mask)
    assert_same(x[:, :1], log_durations)
    assert_same(predictor.flow(x, mask, condition)[0], drawn)


@torch.no_grad()
@float64()
def test_deterministic_cost_is_the_squared_distance_of_the_logarithms_by_pencil() -> None:
    predictor = deterministic()
    for parameter in predictor.parameters():
        parameter.zero_()
    assert predictor.projection.bias is not None
    predictor.projection.bias.fill_(math.log(4.0))  # now it says 4 frames, whatever the text
    durations, mask = torch.tensor([[4, 8, 2, 0], [16, 0, 0, 0]]), length_mask(torch.tensor([3, 1]), 4)
    cost = predictor(noise(2, HIDDEN, 4), mask, durations)
    log_2 = math.log(2.0)
    # A millionth of a frame is added to each before its logarithm.
    assert_same(cost, torch.tensor([0 + log_2**2 + log_2**2, (2 * log_2) ** 2]), bound=8 * 1e-6 * log_2)


@pytest.mark.parametrize("build", [stochastic, deterministic])
def test_durations_teach_neither_the_text_encoder_nor_the_speaker_embedding(
    build: Callable[..., StochasticDurationPredictor | DurationPredictor],
) -> None:
    predictor = build(speaker_channels=5)
    hidden, speaker = noise(2, HIDDEN, PHONEMES).requires_grad_(), noise(2, 5, 1).requires_grad_()
    durations = torch.randint(1, 9, (2, PHONEMES), generator=seeded())
    cost = predictor(hidden, torch.ones(2, 1, PHONEMES), durations, speaker, seeded())
    parameters = list(predictor.parameters())
    gradients = torch.autograd.grad(cost.sum(), [hidden, speaker, *parameters], allow_unused=True)
    assert gradients[0] is None
    assert gradients[1] is None
    assert all(gradient is not None for gradient in gradients[2:])


@torch.no_grad()
def test_speakers_differ_in_their_durations() -> None:
    for predictor in (stochastic(speaker_channels=5), deterministic(speaker_channels=5)):
        hidden, mask = noise(1, HIDDEN, PHONEMES), torch.ones(1, 1, PHONEMES)
        first, second = (predictor.predict(hidden, mask, noise(1, 5, 1, seed=s), noise_scale=0.0) for s in (1, 2))
        assert float((first - second).abs().max()) > 0.01
