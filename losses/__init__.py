"""Training losses: pure functions that compute in float32 whatever comes in and never synchronise with the device."""

from losses.adversarial import AdversarialObjective, build_objective, discriminator_loss, generator_loss
from losses.cosine import cosine_loss
from losses.distance import distance_loss
from losses.feature_matching import feature_loss
from losses.multi_scale_mel import MultiScaleMelLoss
from losses.objective import generator_objective
from losses.perceptual import perceptual_loss
from losses.pitch import PitchDetector, PitchLoss
from losses.speakers import contrastive_loss, cycle_consistency_loss, identity_loss, info_nce_loss
from losses.stft import stft_loss, subband_stft_loss
from losses.structural_similarity import ms_ssim_loss, ssim_loss
from losses.variational import duration_loss, kl_loss, mel_loss

__all__ = [
    "AdversarialObjective",
    "MultiScaleMelLoss",
    "PitchDetector",
    "PitchLoss",
    "build_objective",
    "contrastive_loss",
    "cosine_loss",
    "cycle_consistency_loss",
    "discriminator_loss",
    "distance_loss",
    "duration_loss",
    "feature_loss",
    "generator_loss",
    "generator_objective",
    "identity_loss",
    "info_nce_loss",
    "kl_loss",
    "mel_loss",
    "ms_ssim_loss",
    "perceptual_loss",
    "ssim_loss",
    "stft_loss",
    "subband_stft_loss",
]
