"""Every number a model is taught by: pure functions, in float32 whatever comes in, that never wait for the device."""

from losses.adversarial import discriminator_loss, feature_loss, generator_loss
from losses.duration import duration_loss
from losses.kl import kl_loss
from losses.objective import SynthesizerObjective
from losses.reconstruction import mel_loss
from losses.stft import subband_stft_loss

__all__ = [
    "SynthesizerObjective",
    "discriminator_loss",
    "duration_loss",
    "feature_loss",
    "generator_loss",
    "kl_loss",
    "mel_loss",
    "subband_stft_loss",
]
