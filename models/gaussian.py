"""A diagonal Gaussian over the latent variable: what both encoders return."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    """Mean and logarithm of the standard deviation, in float32."""

    mean: Tensor  # [B, Z, T]
    log_std: Tensor  # [B, Z, T]

    def sample(self, *, noise_scale: float | Tensor = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """Draw one sample [B, Z, T], with the standard deviation multiplied by `noise_scale`.

        The noise is drawn on the generator's device, so that a seed gives the same noise on every device.
        """
        if not isinstance(noise_scale, Tensor) and noise_scale == 0.0:
            return self.mean
        return self.mean + standard_normal(self.mean, generator) * self.log_std.exp() * noise_scale


def standard_normal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise of the shape, dtype and device of `like`."""
    if generator is None:
        return torch.randn_like(like)
    noise = torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype)
    return noise.to(like.device)
