"""The training step without a single trick: the reference of speed and of correctness that every faster one answers to.

Frozen. Real and decoded segments are judged apart, and judged anew for the synthesizer; every parameter of the average
moves by itself. It is written against nothing but what a Trainer is made of: its networks, optimizers and features.
"""

import math

import torch
from torch import Tensor, nn

from data.batch import Batch
from losses import (
    SynthesizerObjective,
    discriminator_loss,
    duration_loss,
    feature_loss,
    generator_loss,
    kl_loss,
    mel_loss,
    subband_stft_loss,
)
from train import Trainer
from training.schedule import learning_rate


def plain_step(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
    """Teach the discriminator once, then the synthesizer once; return the losses by their names in a StepReport."""
    synthesizer, discriminator, features = trainer.synthesizer, trainer.discriminator, trainer.features
    spectrogram = features.spectrogram(batch)
    with trainer.autocast():
        spoken = synthesizer(
            batch.phoneme_ids, batch.phoneme_lengths, spectrogram, features.frame_lengths(batch), batch.speaker_ids
        )
        segments = features.segments(batch, spectrogram, spoken)
        real, fake = discriminator(segments.real), discriminator(segments.fake.detach())
        judging, _, _ = discriminator_loss(real.logits, fake.logits)
    judging_norm = _update(trainer, discriminator, trainer.discriminator_optimizer, judging)

    discriminator.requires_grad_(False)
    with trainer.autocast():
        with torch.no_grad():
            real = discriminator(segments.real)
        fake, bands = discriminator(segments.fake), segments.sub_bands
        objective = SynthesizerObjective(
            mel=mel_loss(segments.mel_real, segments.mel_fake, segments.frame_mask),
            kl=kl_loss(
                spoken.z_p, spoken.posterior.log_std, spoken.prior.mean, spoken.prior.log_std, spoken.frame_mask
            ),
            duration=duration_loss(spoken.duration_cost, spoken.phoneme_mask),
            adversarial=generator_loss(fake.logits)[0],
            feature_matching=feature_loss(real.feature_maps, fake.feature_maps),
            subband_stft=None if bands is None else subband_stft_loss(bands.real, bands.fake, bands.mask),
        )
        total = objective.total(trainer.config.loss)
    discriminator.requires_grad_(True)
    total_norm = _update(trainer, synthesizer, trainer.synthesizer_optimizer, total)
    trainer.scaler.update()
    _average(trainer)
    return {
        "loss/discriminator": judging.detach(),
        "loss/synthesizer": total.detach(),
        **{f"loss/{name}": term.detach() for name, term in objective.named().items()},
        "gradient_norm/discriminator": judging_norm,
        "gradient_norm/synthesizer": total_norm,
    }


def _update(trainer: Trainer, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    settings = trainer.config.train
    optimizer.zero_grad(set_to_none=True)
    trainer.scaler.scale(loss).backward()
    trainer.scaler.unscale_(optimizer)
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    norm = nn.utils.get_total_norm(gradients, foreach=True)
    if settings.max_gradient_norm < math.inf:
        nn.utils.clip_grads_with_norm_(network.parameters(), settings.max_gradient_norm, norm)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(settings, step=trainer.step, epoch=trainer.epoch)
    trainer.scaler.step(optimizer)
    return norm


@torch.no_grad()
def _average(trainer: Trainer) -> None:
    decay = min(trainer.config.train.ema_decay, (1 + trainer.step) / (10 + trainer.step))
    for kept, newest in zip(trainer.average.parameters(), trainer.synthesizer.parameters(), strict=True):
        kept.lerp_(newest, 1 - decay)
    for buffer, newest_buffer in zip(trainer.average.buffers(), trainer.synthesizer.buffers(), strict=True):
        buffer.copy_(newest_buffer)
