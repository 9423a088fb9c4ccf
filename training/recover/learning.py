"""The maximum likelihood of a posterior encoder, given utterances and their latents.

B batch · Z latent channels · F frames · S samples
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from scipy import signal
from torch import Tensor
from torch.nn import functional

from configs import Config, InputError
from data.spectrogram import LinearSpectrogram
from models.posterior_encoder import PosteriorEncoder
from models.synthesizer import Synthesizer
from training.ema import make_ema, update_ema
from training.recover.augmentation import augmented
from training.recover.own_speech import LEAST_FRAMES, Utterance

_CROP = 96  # frames; with the context of a window on both sides
_CONTEXT = 8
_BATCH = 16
_WARP_OCTAVES = (-0.3, 0.6)  # of pitch and formants: from a child to a man, and back
_WARPED = 0.75  # of the crops
_LEARNING_RATE = 1e-3
_WARMUP_STEPS = 30
_EMA_DECAY = 0.98
_MAX_GRADIENT_NORM = 10.0
_CHECK_EVERY = 50  # steps
_FLAT = 0.01  # nats per dimension that a hundred steps should gain
_REDUCTIONS = 2  # of the learning rate, each to a third, before the likelihood is taken to be flat
_HELD_OUT = 0.1  # of the utterances


@dataclass(frozen=True)
class Recovery:
    """The weights of a recovered posterior encoder, and how they were found."""

    weights: dict[str, Tensor]  # by their names in a synthesizer, weight norms folded
    steps: int
    likelihoods: tuple[float, ...]  # held-out and negative, in nats per dimension; every `_CHECK_EVERY` steps


def recover(
    synthesizer: Synthesizer,
    config: Config,
    utterances: Sequence[Utterance],
    *,
    most_steps: int,
    seed: int,
    report: Callable[[int, float], None] = lambda step, likelihood: None,
) -> Recovery:
    """Learn q(z | spectrogram) until the held-out likelihood flattens.

    Args:
        synthesizer: of the voice; its posterior encoder, where it has one, is not used.
        config: of the voice.
        utterances: of the voice itself.
        most_steps: updates at most.
        seed: of initialisation, crops and augmentation.
        report: told the step and the held-out negative log-likelihood, in nats per dimension.

    Raises:
        InputError: there are too few utterances.
    """
    held_out = max(1, round(_HELD_OUT * len(utterances)))
    if len(utterances) - held_out < _BATCH:
        raise InputError(
            f"{len(utterances)} utterances are too few to recover a posterior encoder from: give more texts"
        )
    crops = _Crops(config, seed)
    device = next(synthesizer.parameters()).device
    fresh = _fresh(config, synthesizer, seed)
    encoder = fresh.posterior_encoder.to(device).train()
    ema = make_ema(encoder)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.99))
    checked = [crops.batch(utterances[-held_out:]) for _ in range(4)]
    likelihoods: list[float] = []
    reductions = step = 0
    while step < most_steps:
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE / 3**reductions * min(1.0, (step + 1) / _WARMUP_STEPS)
        loss = _negative_log_likelihood(encoder, synthesizer, *crops.batch(utterances[:-held_out]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), _MAX_GRADIENT_NORM)
        optimizer.step()
        step += 1
        update_ema(ema, encoder, 1 - min(_EMA_DECAY, step / (step + 9)))
        if step % _CHECK_EVERY == 0 or step == most_steps:
            with torch.inference_mode():
                each = [float(_negative_log_likelihood(ema, synthesizer, *batch)) for batch in checked]
            likelihoods.append(sum(each) / len(each))
            report(step, likelihoods[-1])
            if len(likelihoods) > 2 and min(likelihoods[:-2]) - likelihoods[-1] < _FLAT:
                reductions += 1
                if reductions > _REDUCTIONS:
                    break
    fresh.posterior_encoder.load_state_dict(ema.state_dict())
    weights = {name: weight.detach().clone() for name, weight in fresh.folded_state_dict().items()}
    weights = {name: weight for name, weight in weights.items() if name.startswith("posterior_encoder.")}
    return Recovery(weights, step, tuple(likelihoods))


def _fresh(config: Config, synthesizer: Synthesizer, seed: int) -> Synthesizer:
    """One of random weights, of which the posterior encoder is used."""
    speakers = 1 if synthesizer.speakers is None else synthesizer.speakers.num_embeddings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Synthesizer(config, num_symbols=1, num_speakers=speakers)


def _negative_log_likelihood(
    encoder: PosteriorEncoder, synthesizer: Synthesizer, spectrogram: Tensor, z: Tensor, speakers: Tensor | None
) -> Tensor:
    """Of latents [B, Z, F] given spectrograms [B, N, F], in nats per dimension."""
    with torch.no_grad():
        speaker = synthesizer.embed_speaker(speakers)
    posterior = encoder(spectrogram, torch.ones_like(z[:, :1]), speaker)
    return functional.gaussian_nll_loss(posterior.mean, z, (2 * posterior.log_std).exp(), full=True)


class _Crops:
    """Batches of crops, as other rooms and microphones would have recorded them."""

    def __init__(self, config: Config, seed: int) -> None:
        audio = config.audio
        self._rate, self._hop = audio.sample_rate, audio.hop_length
        self._linear = LinearSpectrogram(
            n_fft=audio.n_fft, window_length=audio.window_length, hop_length=audio.hop_length
        )
        self._choices, self._generator = random.Random(seed), torch.Generator().manual_seed(seed)

    def batch(self, utterances: Sequence[Utterance]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Spectrograms [B, N, F], latents [B, Z, F] and speakers [B]."""
        assert _CROP + 2 * _CONTEXT <= LEAST_FRAMES
        chosen = [self._choices.choice(utterances) for _ in range(_BATCH)]
        crops = [self._crop(one) for one in chosen]
        audio = augmented(torch.stack([audio for audio, _ in crops]), self._rate, self._generator)
        spectrogram = self._linear(audio)[:, :, _CONTEXT:-_CONTEXT]
        z = torch.stack([z for _, z in crops])
        speakers = None if chosen[0].speaker is None else torch.tensor([one.speaker for one in chosen])
        return spectrogram, z, speakers

    def _crop(self, one: Utterance) -> tuple[Tensor, Tensor]:
        """Audio with its context [S] and latents [Z, F], as another vocal tract would have said them.

        Speed perturbation (Ko et al., 2015): a recording that is played at r times the speed has r times the pitch, and
        the formants of a tract of 1 / r of the length.
        """
        whole = _CROP + 2 * _CONTEXT
        octaves = self._choices.uniform(*_WARP_OCTAVES) if self._choices.random() < _WARPED else 0.0
        length = min(round(whole * 2**octaves), one.z.shape[1])
        start = self._choices.randint(0, one.z.shape[1] - length)
        audio = one.audio[start * self._hop : (start + length) * self._hop]
        frames = start + (torch.arange(_CONTEXT, _CONTEXT + _CROP) + 0.5) * length / whole
        return torch.from_numpy(signal.resample(audio.numpy(), whole * self._hop)), one.z[:, frames.long()]
