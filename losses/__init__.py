"""Training losses: pure functions that compute in float32 whatever comes in and never synchronise with the device."""

from losses.adversarial import discriminator_loss, feature_loss, generator_loss
from losses.objective import generator_objective
from losses.stft import subband_stft_loss
from losses.variational import duration_loss, kl_loss, mel_loss

__all__ = [
    "discriminator_loss",
    "duration_loss",
    "feature_loss",
    "generator_loss",
    "generator_objective",
    "kl_loss",
    "mel_loss",
    "subband_stft_loss",
]
