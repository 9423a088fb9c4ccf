"""Samples of a Gaussian have its mean and its standard deviation, and one seed is one sample."""

import torch

from models.gaussian import Gaussian
from tests.voices.random_voice import noise, seeded


def test_many_samples_have_the_mean_and_the_scaled_standard_deviation() -> None:
    mean, log_std = torch.tensor([-2.0, 0.0, 7.0]), torch.tensor([-1.0, 0.0, 1.5])
    samples = Gaussian(mean.expand(200_000, 3), log_std.expand(200_000, 3)).sample(noise_scale=0.5, generator=seeded())
    deviation = 0.5 * log_std.exp()
    # Four standard errors.
    assert bool(((samples.mean(dim=0) - mean).abs() < 4 * deviation / 200_000**0.5).all())
    assert bool(((samples.std(dim=0) / deviation - 1).abs() < 4 / 400_000**0.5).all())


def test_the_same_seed_is_the_same_sample_and_no_noise_is_the_mean() -> None:
    gaussian = Gaussian(noise(2, 3, 4), noise(2, 3, 4, seed=1))
    assert torch.equal(gaussian.sample(generator=seeded(5)), gaussian.sample(generator=seeded(5)))
    assert not torch.equal(gaussian.sample(generator=seeded(5)), gaussian.sample(generator=seeded(6)))
    assert torch.equal(gaussian.sample(noise_scale=0.0), gaussian.mean)


def test_gradients_of_a_sample_reach_mean_and_log_std_by_the_reparameterisation() -> None:
    mean, log_std = noise(2, 3, 4).requires_grad_(), noise(2, 3, 4, seed=1).requires_grad_()
    sample = Gaussian(mean, log_std).sample(generator=seeded(5))
    by_mean, by_log_std = torch.autograd.grad(sample.sum(), (mean, log_std))
    assert torch.equal(by_mean, torch.ones(2, 3, 4))
    torch.testing.assert_close(by_log_std, sample.detach() - mean.detach())
