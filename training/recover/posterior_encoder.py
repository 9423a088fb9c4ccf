"""The maximum likelihood of a posterior encoder, given utterances and their latents.

B batch · Z latent channels · F frames
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from configs import Config
from data.spectrogram import LinearSpectrogram
from models.synthesizer import Synthesizer
from training.recover.augmentation import augmented
from training.recover.crops import Crops
from training.recover.learning import Batch, Learned, Progress, learn
from training.recover.own_speech import Utterance

_CROP = 96  # frames; with the context of a window on both sides
_CONTEXT = 8


def learn_posterior_encoder(
    encoder: nn.Module,
    synthesizer: Synthesizer,
    config: Config,
    utterances: Sequence[Utterance],
    *,
    most_steps: int,
    seed: int,
    progress: Progress = lambda step, loss: None,
) -> Learned:
    """Learn q(z | spectrogram), by its negative log-likelihood in nats per dimension.

    Args:
        encoder: a `PosteriorEncoder`, changed in place.
        synthesizer: of the voice; its posterior encoder, where it has one, is not used.
        config: of the voice.
        utterances: of the voice; they are heard as other rooms, microphones and vocal tracts would have made them.
        most_steps: updates at most.
        seed: of crops and augmentation.
        progress: told the step and the held-out loss.

    Raises:
        InputError: there are too few utterances.
    """
    audio = config.audio
    linear = LinearSpectrogram(n_fft=audio.n_fft, window_length=audio.window_length, hop_length=audio.hop_length)
    crops = Crops(audio, frames=_CROP + 2 * _CONTEXT, warped=True, seed=seed)
    generator = torch.Generator().manual_seed(seed)

    def heard(chosen: Sequence[Utterance]) -> Batch:
        """Spectrograms [B, N, F], latents [B, Z, F] and speakers."""
        speech, z, speakers = crops.batch(chosen)
        spectrogram = linear(augmented(speech[:, 0], audio.sample_rate, generator))
        return spectrogram[:, :, _CONTEXT:-_CONTEXT], z[:, :, _CONTEXT:-_CONTEXT], speakers

    def negative_log_likelihood(network: nn.Module, batch: Batch) -> Tensor:
        spectrogram, z, speakers = batch
        with torch.no_grad():
            speaker = synthesizer.embed_speaker(speakers)
        posterior = network(spectrogram, torch.ones_like(z[:, :1]), speaker)
        return functional.gaussian_nll_loss(posterior.mean, z, (2 * posterior.log_std).exp(), full=True)

    return learn(encoder, negative_log_likelihood, heard, utterances, most_steps=most_steps, progress=progress)
