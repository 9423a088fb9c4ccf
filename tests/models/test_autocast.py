"""Under bfloat16 autocast the likelihoods stay in float32, and what is heard stays close to what float32 makes."""

import pytest
import torch

from configs import DiscriminatorSettings
from losses import duration_loss, kl_loss
from models.discriminator import Discriminator
from models.layers.spline import RationalQuadraticSpline
from models.layers.wavenet import WaveNet
from models.masks import length_mask
from models.synthesizer import Synthesis, Synthesizer
from tests.voices.random_voice import NUM_SYMBOLS, noise, seeded, small_config, small_synthesizer

PHONEME_LENGTHS, FRAME_LENGTHS = torch.tensor([6, 9, 3]), torch.tensor([20, 40, 31])


@pytest.fixture(scope="module")
def voice() -> Synthesizer:
    return small_synthesizer()


@pytest.fixture
def seen_by_spline(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """The type of everything that comes out of a spline."""
    types: list[torch.dtype] = []
    forward = RationalQuadraticSpline.forward

    def watched(self: RationalQuadraticSpline, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, log_derivative = forward(self, x)
        types.extend((y.dtype, log_derivative.dtype, self.x_knots.dtype, self.slopes.dtype))
        return y, log_derivative

    monkeypatch.setattr(RationalQuadraticSpline, "forward", watched)
    return types


def train_on(voice: Synthesizer, *, half: bool) -> Synthesis:
    ids = torch.randint(NUM_SYMBOLS, (3, 9), generator=seeded())
    spectrogram = noise(3, 17, 40).abs() * length_mask(FRAME_LENGTHS, 40)
    with torch.autocast("cpu", torch.bfloat16, enabled=half), torch.no_grad():
        spoken = voice(ids, PHONEME_LENGTHS, spectrogram, FRAME_LENGTHS, generator=seeded(1))
    assert isinstance(spoken, Synthesis)
    return spoken


def kl_of(spoken: Synthesis) -> torch.Tensor:
    return kl_loss(spoken.z_p, spoken.posterior.log_std, spoken.prior.mean, spoken.prior.log_std, spoken.frame_mask)


def test_statistics_splines_and_losses_are_float32(voice: Synthesizer, seen_by_spline: list[torch.dtype]) -> None:
    spoken = train_on(voice, half=True)
    assert spoken.audio.dtype == torch.bfloat16, "the decoder itself shall be fast"
    likelihoods = (
        spoken.prior.mean,
        spoken.prior.log_std,
        spoken.posterior.mean,
        spoken.posterior.log_std,
        spoken.z_p,
        spoken.duration_cost,
    )
    assert {x.dtype for x in likelihoods} == {torch.float32}
    assert seen_by_spline
    assert set(seen_by_spline) == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert kl_of(spoken).dtype == torch.float32
        assert duration_loss(spoken.duration_cost, spoken.phoneme_mask).dtype == torch.float32


def test_posterior_and_losses_are_close_to_those_of_float32(voice: Synthesizer) -> None:
    """Bfloat16 knows three digits; a few layers cost one of them."""
    half, full = train_on(voice, half=True), train_on(voice, half=False)
    for ours, theirs in ((half.posterior.mean, full.posterior.mean), (half.posterior.log_std, full.posterior.log_std)):
        torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0.05)
    assert float(kl_of(half)) == pytest.approx(float(kl_of(full)), rel=0.05)
    costs = [duration_loss(spoken.duration_cost, spoken.phoneme_mask) for spoken in (half, full)]
    assert float(costs[0]) == pytest.approx(float(costs[1]), rel=0.05)


@torch.no_grad()
def test_audio_is_close_to_that_of_float32(voice: Synthesizer) -> None:
    z = noise(2, 8, 30)
    full = voice.decoder(z)
    with torch.autocast("cpu", torch.bfloat16):
        half = voice.decoder(z)
    difference = (half.float() - full).square().mean().sqrt()
    assert float(difference / full.square().mean().sqrt()) < 0.05


@pytest.mark.parametrize("kind", ["stochastic", "deterministic"])
@torch.no_grad()
def test_statistics_are_raised_to_float32_even_where_the_mask_is_half_precision_too(kind: str) -> None:
    voice = small_synthesizer(small_config(model={"duration_predictor": kind}))
    phoneme_mask = length_mask(PHONEME_LENGTHS, 9).bfloat16()
    frame_mask = length_mask(FRAME_LENGTHS, 40).bfloat16()
    ids = torch.randint(NUM_SYMBOLS, (3, 9), generator=seeded())
    with torch.autocast("cpu", torch.bfloat16):
        text = voice.text_encoder(ids, phoneme_mask)
        posterior = voice.posterior_encoder(noise(3, 17, 40).abs(), frame_mask)
        cost = voice.duration_predictor(text.hidden, phoneme_mask, torch.full((3, 9), 4))
        log_durations = voice.duration_predictor.predict(text.hidden, phoneme_mask)
    for x in (text.prior.mean, text.prior.log_std, posterior.mean, posterior.log_std, cost, log_durations):
        assert x.dtype == torch.float32


def test_what_is_summed_stays_float32_and_what_lies_between_the_discriminators_convolutions_does_not() -> None:
    wavenet, discriminators = WaveNet(4, 3, 2), Discriminator(DiscriminatorSettings(periods=(2,), channel_divisor=16))
    with torch.autocast("cpu", torch.bfloat16):
        assert wavenet(noise(2, 4, 9), length_mask(torch.tensor([9, 5]), 9)).dtype == torch.float32
        outputs = discriminators(noise(2, 1, 2048))
        assert {layer.dtype for sub_discriminator in outputs.feature_maps for layer in sub_discriminator} == {
            torch.bfloat16
        }
