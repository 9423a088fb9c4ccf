"""Every adversarial objective against pencil arithmetic, torch's own losses, and double differentiation in float64."""

import math
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import is_parametrized

from configs import DiscriminatorSettings, LossSettings
from configs.training import AdversarialObjectiveName
from losses import build_objective, discriminator_loss, generator_loss
from losses.adversarial.gradient_penalty import gradient_penalty, input_gradient_norms, zero_centred_penalty
from losses.adversarial.objective import AdversarialObjective
from models.discriminator import Discriminator, ResolutionDiscriminator

NAMES = get_args(AdversarialObjectiveName)
ALL_KINDS = DiscriminatorSettings(periods=(2, 3), scales=2, resolutions=((256, 64, 256),), channel_divisor=16)


def objective(name: str, **settings: float) -> AdversarialObjective:
    return build_objective(LossSettings.model_validate({"adversarial_objective": name, **settings}))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def discriminator() -> Discriminator:
    torch.manual_seed(5)
    return Discriminator(ALL_KINDS)


def test_every_name_of_the_settings_has_an_objective_and_every_objective_a_name() -> None:
    assert AdversarialObjective.of_name.keys() == set(NAMES)


@pytest.mark.parametrize(
    ("name", "real", "generated", "generator"),
    [  # of logits 2, 0 (real) and 0.5, -3 (generated)
        ("least_squares", (1 + 1) / 2, (0.25 + 9) / 2, (0.25 + 16) / 2),
        ("hinge", (0 + 1) / 2, (1.5 + 0) / 2, -(0.5 - 3) / 2),
        ("wasserstein", -(2 + 0) / 2, (0.5 - 3) / 2, -(0.5 - 3) / 2),
        ("wasserstein_gp", -(2 + 0) / 2, (0.5 - 3) / 2, -(0.5 - 3) / 2),
        ("began", (2 + 0) / 2, 0.0, (0.5 - 3) / 2),  # k is 0 at first
    ],
)
def test_losses_by_pencil(name: str, real: float, generated: float, generator: float) -> None:
    logits = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.5, -3.0]])
    loss, (of_real,), (of_generated,) = objective(name).discriminator_loss([logits[0]], [logits[1]])
    assert (of_real.item(), of_generated.item()) == pytest.approx((real, generated))
    assert loss.item() == pytest.approx(real + generated)
    assert objective(name).generator_loss([logits[1]])[0].item() == pytest.approx(generator)


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "dragan"])
def test_the_games_of_probabilities_are_torchs_cross_entropies_of_logits(name: str) -> None:
    real, generated = noise(3, 7), noise(3, 5, seed=1)
    cross_entropy = F.binary_cross_entropy_with_logits
    loss, *_ = objective(name).discriminator_loss([real], [generated])
    expected = cross_entropy(real, torch.ones(3, 7)) + cross_entropy(generated, torch.zeros(3, 5))
    torch.testing.assert_close(loss, expected)
    of_generator = objective(name).generator_loss([generated])[0]
    ones, zeros = cross_entropy(generated, torch.ones(3, 5)), cross_entropy(generated, torch.zeros(3, 5))
    torch.testing.assert_close(of_generator, -zeros if name == "minimax" else ones)


def test_only_minimax_has_no_gradient_where_the_discriminator_is_sure() -> None:
    gradients = {}
    for name in NAMES:
        logits = torch.tensor([[-30.0]], requires_grad=True)
        (gradient,) = torch.autograd.grad(objective(name).generator_loss([logits])[0], logits)
        gradients[name] = abs(gradient.item())
    assert gradients.pop("minimax") < 1e-12
    assert min(gradients.values()) >= 0.99


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_finite_and_in_float32_for_logits_of_any_size_and_type(name: str) -> None:
    for dtype, size in ((torch.float32, 1e4), (torch.bfloat16, 1e4), (torch.float16, 1e4)):
        real, generated = (torch.tensor([[size, -size, 0.0]], dtype=dtype, requires_grad=True) for _ in range(2))
        loss, *_ = objective(name).discriminator_loss([real], [generated])
        total = loss + objective(name).generator_loss([generated])[0]
        assert total.dtype == torch.float32
        assert total.isfinite()
        for gradient in torch.autograd.grad(total, (real, generated)):
            assert gradient.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    game, logits = objective(name).double(), noise(2, 5).double().requires_grad_()
    if name == "began":
        game.k.fill_(0.3)  # type: ignore[operator]
    for loss in (game.real, game.generated, game.generator):
        assert torch.autograd.gradcheck(loss, logits)


def test_the_published_functions_are_the_least_squares_objective() -> None:
    real, generated = [noise(2, 9), noise(2, 4, seed=3)], [noise(2, 9, seed=1), noise(2, 4, seed=2)]
    game = objective("least_squares")
    assert torch.equal(discriminator_loss(real, generated)[0], game.discriminator_loss(real, generated)[0])
    assert torch.equal(generator_loss(generated)[0], game.generator_loss(generated)[0])


@pytest.mark.parametrize("name", NAMES)
def test_lists_of_different_lengths_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="2 outputs for real audio and 1 for generated"):
        objective(name).discriminator_loss([noise(1, 2)] * 2, [noise(1, 2)])


# ------------------------------------------------------------------------------------------------------------ penalties


def test_the_penalties_of_a_linear_discriminator_by_pencil() -> None:
    weight = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)  # of norm 5
    audio = noise(6, 1, 2).double()
    (norms,) = input_gradient_norms(lambda x: [x.flatten(1) @ weight[:, None]], audio)
    assert norms.tolist() == pytest.approx([5.0] * 6)
    assert gradient_penalty(norms).item() == pytest.approx(16.0)
    assert zero_centred_penalty(norms).item() == pytest.approx(12.5)
    (gradient,) = torch.autograd.grad(gradient_penalty(norms), weight, retain_graph=True)
    assert gradient.tolist() == pytest.approx([2 * 4 * 3 / 5, 2 * 4 * 4 / 5])
    (gradient,) = torch.autograd.grad(zero_centred_penalty(norms), weight)
    assert gradient.tolist() == pytest.approx([3.0, 4.0])


@pytest.mark.parametrize("place", range(5))
def test_the_second_derivatives_are_those_of_finite_differences_on_every_kind_of_discriminator(place: int) -> None:
    whole = discriminator().double().eval()  # in evaluation mode, so that spectral norm does not move
    audio, network = noise(2, 1, 320).double(), whole.sub_discriminators[place]
    weight = next(each for each in network.parameters() if each.dim() > 1)
    step = noise(*weight.shape, seed=7).double()

    def penalty(along: Tensor) -> Tensor:
        changed = {name: each + (along * step if each is weight else 0) for name, each in network.named_parameters()}

        def logits_of(x: Tensor) -> list[Tensor]:
            view = network.spectrum(x) if isinstance(network, ResolutionDiscriminator) else x
            return [torch.func.functional_call(network, changed, (view,))[0]]

        return gradient_penalty(input_gradient_norms(logits_of, audio)[0])

    start = torch.zeros((), dtype=torch.float64, requires_grad=True)
    in_float32 = place == 4  # the spectrum always is
    assert torch.autograd.gradcheck(penalty, start, eps=1e-6, atol=1e-6, rtol=3e-2 if in_float32 else 1e-4)


@pytest.mark.parametrize("level", [0.0, 1e-4, 1.0])
def test_each_sub_discriminator_is_penalised_by_itself_with_finite_gradients_even_at_silence(level: float) -> None:
    whole = discriminator()
    norms = input_gradient_norms(whole.logits, level * noise(2, 1, 1024))
    for place, each in enumerate(norms):
        gradients = torch.autograd.grad(
            gradient_penalty(each), list(whole.parameters()), allow_unused=True, retain_graph=True
        )
        for (name, _), gradient in zip(whole.named_parameters(), gradients, strict=True):
            own = name.startswith(f"sub_discriminators.{place}.")
            if gradient is None or not own:
                assert gradient is None or not gradient.any()
            else:
                assert gradient.isfinite().all()
        assert sum(bool(gradient.any()) for gradient in gradients if gradient is not None) >= 4


def test_a_clips_norm_does_not_depend_on_the_clips_beside_it() -> None:
    whole, audio = discriminator().eval(), noise(3, 1, 512)
    together = input_gradient_norms(whole.logits, audio)
    for row in range(3):
        alone = input_gradient_norms(whole.logits, audio[row : row + 1])
        for one, many in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], many[row], rtol=1e-4, atol=1e-7)


def test_no_gradient_of_a_penalty_reaches_the_audio() -> None:
    audio = noise(2, 1, 512).requires_grad_()
    found = objective("wasserstein_gp", r1=2.0).penalties(discriminator().logits, audio, audio * 0.5)
    assert found.keys() == {"gradient_penalty", "r1"}
    sum(sum(each) for each in found.values()).backward()  # type: ignore[union-attr]
    assert audio.grad is None


def test_wasserstein_penalises_between_real_and_generated_and_dragan_around_real_audio() -> None:
    real, generated = noise(200, 1, 64), 3 + noise(200, 1, 64, seed=1)
    between = objective("wasserstein_gp").penalised(real, generated)
    assert between is not None
    place = (between - real) / (generated - real)  # the same for all samples of a clip
    torch.testing.assert_close(place, place[..., :1].expand_as(place), rtol=1e-2, atol=1e-3)
    assert 0 <= place.min() < 0.05 < 0.95 < place.max() <= 1.001
    around = objective("dragan").penalised(10 * real, generated)
    assert around is not None
    added = (around - 10 * real) / (10 * real).std(dim=(1, 2), keepdim=True)
    assert 0 <= added.min() < 0.01
    assert 0.49 < added.max() <= 0.5001


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_of_the_penalties_are_those_of_the_settings(name: str) -> None:
    real, generated = noise(2, 1, 512), noise(2, 1, 512, seed=1)
    sizes = []
    for weight in (1.0, 3.0):
        torch.manual_seed(0)
        game = objective(name, gradient_penalty=weight, r1=weight)
        found = game.penalties(discriminator().logits, real, generated)
        assert game.differentiates_twice
        sizes.append({kind: sum(each).item() for kind, each in found.items()})  # type: ignore[union-attr]
    assert sizes[1] == pytest.approx({kind: 3 * size for kind, size in sizes[0].items()}, rel=1e-3)
    assert objective(name).differentiates_twice == (name in ("wasserstein_gp", "dragan"))


# -------------------------------------------------------------------------------------------------------------- updates


def test_clipped_weights_are_in_the_box_whatever_their_parametrisation() -> None:
    whole, game = discriminator(), objective("wasserstein", clip_weights=0.02)
    with torch.no_grad():
        for parameter in whole.parameters():
            parameter.add_(torch.randn_like(parameter))
    before = {name: module.weight.clone() for name, module in whole.named_modules() if isinstance(module, nn.Conv2d)}
    game.after_update(whole, lambda tensor: tensor)
    spectral = 0
    for name, module in whole.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            if is_parametrized(module) and any(isinstance(each, _SpectralNorm) for each in module.modules()):
                spectral += 1
            else:
                assert module.weight.abs().max() <= 0.02 * (1 + 1e-5)
                assert module.bias is not None
                assert module.bias.abs().max() <= 0.02
            if name in before:
                torch.testing.assert_close(module.weight, before[name].clamp(-0.02, 0.02), rtol=1e-4, atol=1e-7)
    assert spectral == 7  # the first scale's layers, Lipschitz already


def test_began_adapts_k_by_pencil_and_keeps_it_between_0_and_1() -> None:
    game = objective("began", began_gamma=0.5)
    weights = []
    for real, generated in ((8.0, 2.0), (1.0, 4.0), (2000.0, 0.0)):
        for share in (0.25, 0.75):  # of two micro-batches
            game.observe([torch.full((1, 1), real)], [torch.full((1, 1), generated)], share)
        game.after_update(nn.Identity(), lambda tensor: tensor)
        weights.append(game.scalars()["objective/k"].item())
    # 0 + 0.001 (0.5 * 8 - 2) = 0.002; then + 0.001 (0.5 - 4) < 0; then + 0.001 * 1000.
    assert weights == pytest.approx([0.002, 0.0, 1.0])
    assert game.scalars()["objective/convergence"].item() == pytest.approx(2000 + 1000)
    game.observe([torch.full((1, 1), math.nan)], [torch.ones(1, 1)], 1.0)
    game.after_update(nn.Identity(), lambda tensor: tensor)
    assert game.scalars()["objective/k"].item() == 1.0  # a broken step changes nothing
