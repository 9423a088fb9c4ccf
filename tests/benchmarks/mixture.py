"""What each objective finds of a mixture of eight Gaussians in two dimensions, with networks of a few thousand weights.

The usual trial of mode collapse (Metz et al., 2017, section 3.1): eight modes on a circle. `python -m
tests.benchmarks.mixture` prints the table of docs/losses.md.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from configs import LossSettings
from losses import build_objective
from losses.adversarial.gradient_penalty import input_gradient_norms

CENTRES = 2 * torch.tensor([[math.cos(place * math.pi / 4), math.sin(place * math.pi / 4)] for place in range(8)])
SPREAD, BATCH, NOISE = 0.1, 256, 16


def perceptron(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def adam(network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.9), fused=True)


class Autoencoder(nn.Module):
    """Points [B, 2] to the error of their reconstruction from a code of one number, [B, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.network = perceptron(2, 64, 1, 64, 2)

    def forward(self, points: Tensor) -> Tensor:
        return (self.network(points) - points).abs().mean(dim=1, keepdim=True)


@dataclass(frozen=True)
class Trial:
    """What a generator has found, and what its discriminator has become."""

    modes: int  # with at least a hundredth of the samples near their centres
    near: float  # share of the samples within six standard deviations of a centre
    k: float
    largest_weight: float
    gradient_norm: float  # mean, where the objective penalises it


def tried(name: str, steps: int, *, seed: int = 0, **settings: Any) -> Trial:
    """Train with an objective for so many updates of the generator, and look at what came of it."""
    torch.manual_seed(seed)
    game = build_objective(LossSettings.model_validate({"adversarial_objective": name, **settings}))
    generator = perceptron(NOISE, 64, 64, 2)
    discriminator: nn.Module = Autoencoder() if name == "began" else perceptron(2, 64, 64, 1)
    optimizers = [adam(each) for each in (generator, discriminator)]

    def logits_of(points: Tensor) -> list[Tensor]:
        return [discriminator(points.flatten(1))]

    for step in range(steps):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = 1e-3 * (1 - step / steps)  # so that the game ends at rest
        for _ in range(5 if name.startswith("wasserstein") else 1):
            real = CENTRES[torch.randint(8, (BATCH,))] + SPREAD * torch.randn(BATCH, 2)
            made = generator(torch.randn(BATCH, NOISE)).detach()
            of_real, of_made = logits_of(real), logits_of(made)
            loss, *_ = game.discriminator_loss(of_real, of_made)
            for penalties in game.penalties(logits_of, real[:, None], made[:, None]).values():
                loss = loss + sum(penalties)
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()
            game.observe(of_real, of_made, 1.0)
            game.after_update(discriminator, lambda tensor: tensor)
        optimizers[0].zero_grad()
        game.generator_loss(logits_of(generator(torch.randn(BATCH, NOISE))))[0].backward()
        optimizers[0].step()
    with torch.no_grad():
        distance, mode = torch.cdist(generator(torch.randn(2000, NOISE)), CENTRES).min(dim=1)
    near = distance < 3 * SPREAD
    points = game.penalised(real[:, None], made[:, None])
    norms = [] if points is None else input_gradient_norms(logits_of, points)
    return Trial(
        modes=int((torch.bincount(mode[near], minlength=8) >= 20).sum()),
        near=float(near.float().mean()),
        k=float(game.scalars().get("objective/k", torch.zeros(()))),
        largest_weight=max(float(weight.detach().abs().max()) for weight in discriminator.parameters()),
        gradient_norm=float(norms[0].detach().mean()) if norms else math.nan,
    )


def approach(name: str, **settings: Any) -> float:
    """How far from the mixture a generator is that began 28 away, with a discriminator that was sure of it by then."""
    torch.manual_seed(0)
    game = build_objective(LossSettings.model_validate({"adversarial_objective": name, **settings}))
    generator, discriminator = perceptron(NOISE, 64, 64, 2), perceptron(2, 64, 64, 1)
    with torch.no_grad():
        list(generator.parameters())[-1].add_(20.0)
    optimizers = [adam(each) for each in (generator, discriminator)]
    for step in range(600):
        real = CENTRES[torch.randint(8, (BATCH,))] + SPREAD * torch.randn(BATCH, 2)
        made = generator(torch.randn(BATCH, NOISE))
        optimizers[1].zero_grad()
        game.discriminator_loss([discriminator(real)], [discriminator(made.detach())])[0].backward()
        optimizers[1].step()
        game.after_update(discriminator, lambda tensor: tensor)
        if step >= 300:
            optimizers[0].zero_grad()
            game.generator_loss([discriminator(made)])[0].backward()
            optimizers[0].step()
    return float(made.detach().mean(dim=0).norm())


ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "least_squares": ("least_squares", {}),
    "minimax": ("minimax", {}),
    "non_saturating": ("non_saturating", {}),
    "hinge": ("hinge", {}),
    "wasserstein": ("wasserstein", {"clip_weights": 0.1}),
    "wasserstein_gp": ("wasserstein_gp", {"gradient_penalty": 1.0}),
    "dragan": ("dragan", {"gradient_penalty": 1.0}),
    "began": ("began", {"began_gamma": 0.7}),
    "r1": ("non_saturating", {"r1": 0.1}),
}


if __name__ == "__main__":
    print("| objective | modes of eight, three seeds | share of samples near a mode | distance after a sure start |")
    for arm, (name, options) in ARMS.items():
        trials = [tried(name, 2000, seed=seed, **options) for seed in range(3)]
        away = "" if {"gradient_penalty", "r1", "began_gamma"} & options.keys() else f"{approach(name, **options):.1f}"
        modes, near = (
            ", ".join(each) for each in zip(*((str(trial.modes), f"{trial.near:.2f}") for trial in trials), strict=True)
        )
        print(f"| {arm} | {modes} | {near} | {away} |", flush=True)
