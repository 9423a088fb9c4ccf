"""Train a voice: `python train.py configs/ljspeech.toml data.root=LJSpeech-1.1`.

`Trainer.train_step` is the algorithm of VITS (Kim, Kong & Son, 2021, section 2); everything else is the loop around it.

B batch · P phonemes · F frames · S segment samples · N spectrogram bins · M mel bands
"""

from configs.command_line import check_arguments
from training.command_line import read_arguments

if __name__ == "__main__":  # before torch is imported, which takes seconds
    check_arguments(read_arguments)

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from configs import Config, InputError, command
from data.batch import Batch
from data.corpus import Corpus
from data.opening import open_corpus
from losses import (
    build_objective,
    duration_loss,
    feature_loss,
    generator_objective,
    kl_loss,
    mel_loss,
)
from models.device import choose_device
from models.discriminator import Discriminator
from models.synthesizer import Synthesizer
from training.accumulation import WHOLE_BATCH, LossNormalisation
from training.auxiliary_losses import AuxiliaryLosses
from training.conversion import Converter
from training.cuda_graphs import GraphedStep, execution
from training.ema import make_ema, update_ema
from training.features import GeneratorOutput
from training.frozen import FrozenNetworks
from training.interruption import listening_for_stop
from training.loop import TrainingLoop
from training.memory_check import check_memory, is_out_of_memory
from training.random_state import seed_everything
from training.ranks import Ranks, is_restarted, leave, local_device
from training.replay import replay_recorded
from training.resumption import Stopped, read_stopped
from training.run_folder import newest_step, refuse_begun
from training.stages import Stages, build_optimizer, set_learning_rate
from training.term_weights import discriminator_used
from training.updates import StepReport
from voices.checkpoint import content_of_checkpoint
from voices.importing.warm_start import WarmStart


class Trainer(TrainingLoop):
    """One experiment from its first step to its last.

    Args:
        config: the experiment.
        corpus: its recordings.
        ranks: the processes that train together; None is this process alone.
        frozen: the networks that losses look through, of a checkpoint; None makes those that have a use.
    """

    def __init__(
        self, config: Config, corpus: Corpus, ranks: Ranks | None = None, frozen: FrozenNetworks | None = None
    ) -> None:
        super().__init__(config, corpus, ranks)
        seed_everything(config.run.seed)
        self.synthesizer = Synthesizer(
            config, num_symbols=corpus.symbols.size, num_speakers=max(1, len(corpus.speakers))
        ).to(self.device)
        self.discriminator = Discriminator.from_config(config, self.features.mel).to(self.device)
        self.objective = build_objective(config.loss).to(self.device)
        losses = AuxiliaryLosses(config, corpus, frozen, verbose=self.ranks.is_first)
        self.auxiliary_losses = losses.to(self.device)
        self.converter = Converter(self.synthesizer, self.features)
        self.ema = make_ema(self.synthesizer)
        self.stages = Stages(self.synthesizer, config.train)
        parts = dict(self.synthesizer.named_children())
        self.synthesizer_optimizer = build_optimizer(parts, config.train, self.optimizer_flags)
        parts = {"discriminator": self.discriminator}
        self.discriminator_optimizer = build_optimizer(parts, config.train, self.optimizer_flags)
        self.execute = execution(
            self.step_function(),
            config.train,
            dtype=self.dtype,
            device=self.device,
            ranks=self.ranks.count,
            networks=[*self.synthesizer.children(), self.discriminator],
            differentiated_twice=[self.discriminator] if self.objective.differentiates_twice else [],
            discriminator_later=not discriminator_used(config.loss, step=0),
        )
        if isinstance(self.execute, GraphedStep):  # a CUDA graph is captured for each shape of batch
            self.frame_bounds = config.data.bucket_frames
        if not self.ranks.is_first:  # the same weights, and noise of its own
            seed_everything(config.run.seed + self.ranks.rank)

    # ------------------------------------------------------------------------------------------- the algorithm

    def train_step(self, batch: Batch) -> StepReport:
        """Update the discriminator, then the generator (VITS, section 2.4)."""
        losses, norms = {}, {}
        output = self.generator_forward(batch)
        for left in reversed(range(self.discriminator_updates)):  # once in VITS
            self.discriminator_optimizer.zero_grad(set_to_none=True)
            losses = self.discriminator_step(output)
            norms = {"discriminator": self.update_discriminator()}
            if left:
                output = self.generator_forward(batch)

        self.synthesizer_optimizer.zero_grad(set_to_none=True)
        losses |= self.generator_step(output)
        norms |= {"generator": self.update_generator()}
        return StepReport(losses, norms)

    def generator_forward(self, batch: Batch) -> GeneratorOutput:
        """Reconstruct a random segment of each recording from its posterior, and align it with its text."""
        with self.autocast():
            aligner = self.initial_alignment.aligner(self.step)
            spectrogram, synthesis = self.features.synthesize(self.synthesizer, batch, aligner=aligner)  # [B, N, F]
            segments = self.features.segments(batch, spectrogram, synthesis)  # real and generated, [B, 1, S]
        return GeneratorOutput(batch, synthesis, segments, self.converter)

    def discriminator_step(self, output: GeneratorOutput, weight: LossNormalisation = WHOLE_BATCH) -> dict[str, Tensor]:
        """The discriminator's loss on real and generated segments (equation 8), and its gradients."""
        segments, generated_audio = output.segments, output.segments.generated.detach()
        with self.autocast():
            real, generated = self.discriminator.compare(segments.real, generated_audio)
            loss, real_losses, generated_losses = self.objective.discriminator_loss(real.logits, generated.logits)
        penalties = self.objective.penalties(self.discriminator.logits, segments.real, generated_audio)
        loss = loss + sum(sum(of_each) for of_each in penalties.values())
        self.scaler.scale(loss * weight.clips).backward()
        self.objective.observe(real.logits, generated.logits, weight.clips)
        of_each = {
            "loss/discriminator/real": real_losses,
            "loss/discriminator/generated": generated_losses,
            **{f"loss/discriminator/{name}": penalty for name, penalty in penalties.items()},
        }
        if (boundary := self.objective.decision_boundary) is not None:
            of_each["discriminator_accuracy/real"] = real.accuracy_as_real(boundary)
            of_each["discriminator_accuracy/generated"] = generated.accuracy_as_generated(boundary)
        scalars = {"loss/discriminator/total": loss} | self.discriminator.named(of_each)
        return {name: scalar.detach() * weight.clips for name, scalar in scalars.items()}

    def generator_step(self, output: GeneratorOutput, weight: LossNormalisation = WHOLE_BATCH) -> dict[str, Tensor]:
        """The generator's loss, the weighted sum of its terms (equation 11), and its gradients."""
        terms, adversarial_losses = self.generator_terms(output, weight)
        weights = self.term_weights.present
        loss = generator_objective(terms, weights)
        self.scaler.scale(loss).backward()
        groups = {"adversarial": [each * weight.clips for each in adversarial_losses]} if adversarial_losses else {}
        of_each = self.discriminator.named(groups)
        losses = {f"loss/generator/{name}": each.detach() for name, each in ({"total": loss} | terms | of_each).items()}
        return losses | {
            f"weighted_loss/generator/{name}": weights[name] * term.detach() for name, term in terms.items()
        }

    def generator_terms(
        self, output: GeneratorOutput, weight: LossNormalisation
    ) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Each term of the generator's loss by its name, and the adversarial term of each sub-discriminator."""
        of, segments = output.synthesis, output.segments
        with self.autocast():
            kl = kl_loss(of.z_p, of.posterior.log_std, of.prior.mean, of.prior.log_std, of.frame_mask)
            mel = mel_loss(
                segments.mel_real, segments.mel_generated, segments.frame_mask, kind=self.config.loss.mel_distance
            )
            terms = {
                "mel": mel * weight.segment_frames,
                "kl": kl * weight.frames,
                "duration": duration_loss(of.duration_cost, of.phoneme_mask) * weight.phonemes,
            }
            if not self.term_weights.use_discriminator:
                return terms | self.auxiliary_losses(output, weight), []

            with frozen(self.discriminator), parametrize.cached():  # its weights are normalised once
                with torch.no_grad():
                    real = self.discriminator(segments.real)
                generated = self.discriminator(segments.generated)
            adversarial, adversarial_losses = self.objective.generator_loss(generated.logits)
            feature_matching = feature_loss(
                real.feature_maps, generated.feature_maps, kind=self.config.loss.feature_matching_kind
            )
            terms["adversarial"] = adversarial * weight.clips
            terms["feature_matching"] = feature_matching * weight.clips
            return terms | self.auxiliary_losses(output, weight), adversarial_losses

    def update_discriminator(self) -> Tensor:
        """Update the discriminator; return the norm of its gradients before clipping, 0-d."""
        norm = self._update("discriminator", self.discriminator, self.discriminator_optimizer)
        if self.config.train.discriminator_updates > 1:
            self.scaler.update()  # which lets the next one unscale again
        self.objective.after_update(self.discriminator, self.ranks.sum)
        return norm

    def update_generator(self) -> Tensor:
        """Update the synthesizer and its EMA; return the norm of its gradients before clipping, 0-d."""
        norm = self._update("generator", self.synthesizer, self.synthesizer_optimizer)
        self.scaler.update()
        update_ema(self.ema, self.synthesizer, self.schedule.ema_weight)
        return norm

    def _update(self, name: str, network: nn.Module, optimizer: torch.optim.AdamW) -> Tensor:
        self.ranks.sum_gradients(list(network.parameters()))
        self.scaler.unscale_(optimizer)
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        if self.config.train.max_gradient_norm < math.inf:
            nn.utils.clip_grads_with_norm_(network.parameters(), self.config.train.max_gradient_norm, norm)
        set_learning_rate(optimizer, self.schedule.learning_rate)
        self.updates.step_if_finite(name, optimizer, norm)
        return norm


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network and leave none in it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def start(config: Config, ranks: Ranks | None = None, warm: WarmStart | None = None) -> Trainer:
    """A Trainer at step 0, its weights random or, where they fit, those of a voice.

    Raises:
        InputError: the folder holds a run already, or the recordings or the voice cannot be used.
    """
    refuse_begun(Path(config.run.dir))
    choose_device(local_device(config.run.device))  # refused now, not after the recordings are read
    if warm is not None:
        config = warm.with_architecture(config)
        warm.refuse_misfit(config)
    elif config.run.architecture == "voice":
        raise InputError("run.architecture = 'voice' needs a voice: give it with --warm-start VOICE")
    verbose = ranks is None or ranks.is_first
    corpus = open_corpus(config.data, config.audio, verbose=verbose)
    if warm is not None and config.run.recovery_steps:
        from training.recover.for_run import recovered  # lazily: it takes a second to load

        warm = recovered(warm, corpus, config, ranks or Ranks())
    trainer = Trainer(config, corpus, ranks)
    if warm is not None:
        alphabet = corpus.symbols.to_json()
        report = warm.give(trainer.synthesizer, trainer.discriminator, config, alphabet, corpus.speakers)
        trainer.ema.load_state_dict(trainer.synthesizer.state_dict())
        trainer.from_seed, trainer.run_folder.origin = False, warm.origin
        if verbose:
            print(report.text())
    return trainer


def resume(
    folder: Path,
    overrides: Sequence[str],
    ranks: Ranks | None = None,
    *,
    accept_changes: bool = False,
    settings: Config | None = None,
) -> Trainer:
    """A Trainer exactly where the newest checkpoint of a run left off.

    Args:
        folder: of the run.
        overrides: settings that are to be otherwise from here on.
        ranks: the processes that train together; None is this process alone.
        accept_changes: whether batches, losses, recordings and the number of ranks may be others: another run then.
        settings: all settings, in the place of those in the folder.

    Raises:
        InputError: there is no run, its checkpoint is damaged, or settings or data are not those it was trained with.
    """
    processes, verbose = (ranks.count, ranks.is_first) if ranks else (1, True)
    stopped = read_stopped(folder, overrides, processes=processes, accept_changes=accept_changes, settings=settings)
    choose_device(local_device(stopped.config.run.device))
    stopped, corpus = stopped.open_corpus(accept_changes=accept_changes, verbose=verbose)
    if stopped.changed and verbose:
        print(stopped.announcement())
    return resumed(stopped, corpus, ranks)


def resumed(stopped: Stopped, corpus: Corpus, ranks: Ranks | None) -> Trainer:
    """A Trainer with the state of a checkpoint.

    Raises:
        InputError: the state does not fit, or is not finite.
    """
    stopped.refuse_not_finite()
    trainer = Trainer(stopped.config, corpus, ranks, stopped.frozen_networks())
    with content_of_checkpoint(stopped.checkpoint):
        trainer.load_state_dict(stopped.state, is_another=stopped.is_another)
    return trainer


@command
def main() -> int:
    """Train from the command line."""
    asked = read_arguments()
    with Ranks.joined() as ranks:
        if asked.replay is not None:
            found = ranks.gather(replay_recorded(*asked.replay, ranks, build=Trainer, resumed=resumed))
            if ranks.is_first:
                print("\n\n".join(found))
            return 0
        if asked.config is None:
            assert asked.resume is not None
            return run(resume(asked.resume, asked.overrides, ranks, accept_changes=asked.changed))
        folder = Path(asked.config.run.dir)
        # torchrun gives the processes that it starts anew the command that began the run.
        if (asked.or_resume or is_restarted()) and newest_step(folder):
            return run(resume(folder, (), ranks, accept_changes=asked.changed, settings=asked.config))
        warm = None if asked.warm_start is None else WarmStart.asked(asked.warm_start, asked.parts)
        return run(start(asked.config, ranks, warm))


def run(trainer: Trainer) -> int:
    """Train to the end or to a signal, say what there is, and return the exit code."""
    folder, first = trainer.run_folder, trainer.ranks.is_first
    if trainer.finished:
        if first:
            with folder.locked(step=trainer.step):
                trainer.restore_voices()
            why = trainer.ending.sentence(trainer.best, trainer.seconds) or "raise train.steps to train on"
            print(f"{folder.path} is at step {trainer.step} of {trainer.total_steps}: {why}")
        return 0
    check_memory(trainer)
    with listening_for_stop() as stop:
        try:
            trainer.train(stop)
        except (MemoryError, OSError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise InputError(
                f"{trainer.device} has no room for train.batch_size = {trainer.config.train.batch_size}: lower it, or "
                "train.segment_samples, or raise train.accumulate"
            ) from error
        if first:
            if trainer.finished and (why := trainer.ending.sentence(trainer.best, trainer.seconds)):
                print(why)
            print(folder.summary(trainer.step, trainer.total_steps, trainer.best, finished=trainer.finished))
    return 0 if trainer.finished or not first else 128 + (stop.signal_number or 0)


if __name__ == "__main__":
    leave(main())
