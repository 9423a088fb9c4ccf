"""The loop around a training step: batches, the schedule, reports, validation, checkpoints and the end."""

from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from configs import Config, InputError
from data.augmentation import Augmentation, AugmentedClips
from data.batch import Batch, HeldAudio, collate
from data.clips import Clip
from data.corpus import Corpus
from data.prefetcher import Prefetcher, clip_source, endless
from losses import AdversarialObjective
from models.device import choose_device, choose_dtype
from models.discriminator import Discriminator
from models.synthesizer import Synthesizer
from monitoring.best import Best
from training.accumulation import GradientAccumulation, StepParts
from training.auxiliary_losses import AuxiliaryLosses
from training.broken_steps import RecentSteps, refuse_broken_weights, refuse_stalled, report_broken_steps
from training.ending import Ending, RemainingTime, in_words
from training.features import Features
from training.initial_alignment import InitialAlignment
from training.interruption import Interrupted, StopRequest
from training.metrics_logger import MetricsLogger, MetricsLoggerError, RunningMeans
from training.output_gradients import output_gradient_norms
from training.random_state import noise_state
from training.ranks import Ranks, local_device
from training.reporting import Clock, Reporter
from training.run_folder import RunFolder
from training.schedule import Epochs, Schedule, learning_rate
from training.stages import Stages
from training.state import NETWORKS, OPTIMIZERS, load_state, state_of
from training.term_weights import TermWeights
from training.updates import StepReport, Updates, over_ranks
from training.validation import Validation

_BALANCE_EVERY = 20  # steps between measurements of gradients for loss.balance


class TrainingLoop(StepParts):
    """What `train.Trainer` needs around its step.

    Args:
        config: the experiment.
        corpus: its recordings.
        ranks: the processes that train together; None is this process alone.
    """

    synthesizer: Synthesizer
    discriminator: Discriminator
    auxiliary_losses: AuxiliaryLosses
    ema: Synthesizer  # exponential moving average of the synthesizer's weights, which becomes the voice
    objective: AdversarialObjective
    stages: Stages
    execute: Callable[[Batch], StepReport]

    def __init__(self, config: Config, corpus: Corpus, ranks: Ranks | None = None) -> None:
        self.config, self.corpus, self.ranks = config, corpus, ranks or Ranks()
        self.device = choose_device(local_device(config.run.device))
        self.dtype = choose_dtype(config.train.precision, self.device)
        if config.run.threads:
            torch.set_num_threads(config.run.threads)
        self.scaler = torch.amp.grad_scaler.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.updates = Updates(self.scaler, self.device)
        self.schedule = Schedule(config.train, self.device)
        self.term_weights = TermWeights(config.loss, self.device)
        self.features = Features(config, self.device)
        self.held: HeldAudio | None = None
        if config.data.hold == "device":
            self.held = HeldAudio([*corpus.train, *corpus.validation], self.device)
        self.frame_bounds: Sequence[int] = ()  # lengths that batches are padded to, where shapes shall be few
        self.prefetcher = Prefetcher()
        self.clock = Clock(lambda: self.prefetcher.waited_seconds)
        self.run_folder = RunFolder(Path(config.run.dir), config, corpus)
        self.step = 0  # updates made; epoch and place in the epoch follow from it
        self.seconds = 0.0
        self.validation_due = True  # the value to fall from; and what cannot work shows before the first hour
        self.best = Best()
        self.ending = Ending(config.train)
        self.means = RunningMeans()
        self.output_gradients: dict[str, float] = {}  # measured since the last report
        self.recent = RecentSteps()
        self.from_seed = True  # whether the weights of step 0 follow from the settings
        self.initial_alignment = InitialAlignment(config, corpus, self.features, self.device)
        self.augmentation = Augmentation.asked(config.data, hop_length=config.audio.hop_length, seed=config.run.seed)
        # Until the memory check knows better, an automatic batch size is 1.
        self._use_batch_size(1 if config.train.asked_batch_size == "auto" else config.train.asked_batch_size)

    @abstractmethod
    def train_step(self, batch: Batch) -> StepReport:
        """One update of the discriminator, then one of the generator."""

    @property
    def optimizer_flags(self) -> dict[str, bool]:
        """How AdamW computes: fused, and so that a CUDA graph can capture it."""
        captured = self.device.type == "cuda" and "graphs" in self.config.train.execution
        return {"fused": self.device.type in ("cpu", "cuda"), "capturable": captured}

    def autocast(self) -> torch.autocast:
        """The one place that decides precision; what must be float32 casts itself."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def run_step(self, batch: Batch) -> StepReport:
        """Make a training step at its place in the schedule, executed as `train.execution` says."""
        self.schedule.set(step=self.step, epoch=self.epoch, clips_per_step=self.clips_per_step)
        self.term_weights.set(self.step)
        self.stages.set(step=self.step)
        noise = noise_state(self.device)
        report = self.execute(batch)
        self.recent.add(self.step + 1, batch.ids, noise, report.gradient_norms)
        return report

    def measure_output_gradients(self, batch: Batch) -> None:
        """Measure how hard each term pulls at the generated audio, where that is due."""
        every = _BALANCE_EVERY if self.config.loss.balance == "gradient" else self.config.train.validate_every
        if self.step % every == 0:
            self.term_weights.set(self.step)
            self.stages.set(step=self.step)
            self.output_gradients = output_gradient_norms(self, batch)
            self.term_weights.observe(self.output_gradients)

    @property
    def discriminator_updates(self) -> int:
        """Updates of the discriminator in this step: none before a term of the loss needs it."""
        return self.config.train.discriminator_updates if self.term_weights.use_discriminator else 0

    def step_function(self) -> Callable[[Batch], StepReport]:
        """`train_step`, over micro-batches and ranks where there are more than one."""
        config = self.config
        if config.train.accumulate == 1 and self.ranks.count == 1:
            return self.train_step
        return GradientAccumulation(
            self,
            config.train.accumulate,
            hop_length=config.audio.hop_length,
            segment_frames=config.segment_frames,
            ranks=self.ranks,
        )

    def compute_in_float32(self) -> None:
        """Make every further step in float32, without CUDA graphs and other ranks."""
        self.ranks, self.dtype = Ranks(), torch.float32
        self.scaler = torch.amp.grad_scaler.GradScaler(self.device.type, enabled=False)
        self.updates = Updates(self.scaler, self.device)
        self.execute = self.step_function()

    def set_batch_size(self, size: int) -> None:
        """Put a number in the place of `train.batch_size=auto`."""
        self.config = self.config.with_batch_size(size)
        self.run_folder.config = self.config
        self._use_batch_size(size)

    def _use_batch_size(self, size: int) -> None:
        self.source = clip_source(
            self.corpus.train,
            self.corpus.shards,
            hop_length=self.config.audio.hop_length,
            bounds=self.config.data.bucket_frames,
            batch_size=size,
            max_frames=self.config.train.batch_frames,
            seed=self.config.run.seed,
            rank=self.ranks.rank,
            ranks=self.ranks.count,
        )
        if self.augmentation is not None:
            self.source = AugmentedClips(self.source, self.augmentation)
        self.epochs = Epochs(len(self.source))
        self.validation = Validation(
            self.config, self.corpus, self.features, make_batch=self.batch, autocast=self.autocast
        )

    @property
    def epoch(self) -> int:
        """Passes over the data that are finished."""
        return self.epochs.at(self.step)

    @property
    def clips_per_step(self) -> float:
        """Clips that a step of all ranks sees, on average over an epoch."""
        clips = sum(len(shard.samples) for shard in self.corpus.shards) or len(self.corpus.train)
        return clips / len(self.source)

    @property
    def total_steps(self) -> int:
        """Updates after which training ends."""
        train = self.config.train
        return min(train.steps, self.epochs.end(train.epochs)) if train.epochs else train.steps

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        ended = self.step >= self.total_steps or self.ending.is_out_of_patience or self.ending.is_spent(self.seconds)
        return ended and not self.validation_due

    def batches(self) -> Generator[Batch, None, None]:
        """The batches from the present step on, without end; their order depends on the seed and the epoch alone."""
        since = self.step - self.epochs.first_step
        clips = endless(self.source, since, first_epoch=self.epochs.first_epoch)
        return self.prefetcher.through(map(self.batch, clips))

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Collate clips on the device."""
        return collate(
            clips,
            hop_length=self.config.audio.hop_length,
            minimum_samples=self.config.train.segment_samples,
            speakers=len(self.corpus.speakers) > 1,
            device=self.device,
            held=self.held,
            frame_bounds=self.frame_bounds,
        )

    def train(self, stop: StopRequest) -> None:
        """Step until the end, or until a stop is requested; save before returning.

        Raises:
            InputError: another process is training in this folder or has done so meanwhile, the folder cannot be
                written any more, or training diverged.
        """
        if not self.ranks.is_first:
            self._train(stop, None)
            return
        with self.run_folder.locked(step=self.step):
            self.restore_voices()
            with closing(MetricsLogger(self.run_folder.path, step=self.step, seconds=self.seconds)) as logger:
                self._train(stop, Reporter(self.config, self.corpus, logger, self.validation, self.clock))

    def _train(self, stop: StopRequest, reporter: Reporter | None) -> None:
        train = self.config.train
        self.initial_alignment.fit(self.step, self.batch)
        bar = tqdm(
            total=self.total_steps, initial=self.step, unit="step", disable=reporter is None or None, dynamic_ncols=True
        )
        with closing(bar):
            if reporter is not None:
                reporter.begin(self.step)
            if self.validation_due and self._validate_first(reporter, bar, stop):
                return
            self.clock.read(steps=1)
            remaining = RemainingTime(train, self.clock, step=self.step, total_steps=self.total_steps)
            with closing(self.batches()) as batches:
                for batch in batches:
                    self.measure_output_gradients(batch)
                    self.means.add(self.run_step(batch).scalars() | self.objective.scalars())
                    self.step += 1
                    bar.update()
                    finished, better = self.step >= self.total_steps or self._is_spent(reporter), False
                    if self.step % train.report_every == 0 or finished:
                        self.report(reporter, bar, stop, remaining)
                    if reporter is not None and (told := remaining.forecast(self.step, reporter.logger.seconds)):
                        bar.write(told)
                    stopped = self.ranks.any(bool(stop))
                    self.validation_due = self.step % train.validate_every == 0 or finished
                    if self.validation_due and not stopped:
                        better = self.validate(reporter, bar, stop)
                        stopped = self.ranks.any(bool(stop))  # meanwhile
                        finished = finished or self.ending.is_out_of_patience
                    if self.step % train.checkpoint_every == 0 or better or finished or stopped:
                        self.save(reporter, better=better, fault=stop.fault)
                    if finished or stopped:
                        return

    def _is_spent(self, reporter: Reporter | None) -> bool:
        """Whether the first rank's clock says that `train.hours` are spent."""
        if self.config.train.hours is None:
            return False
        return self.ranks.any(reporter is not None and self.ending.is_spent(reporter.logger.seconds))

    def _validate_first(self, reporter: Reporter | None, bar: "tqdm[Any]", stop: StopRequest) -> bool:
        """Make the validation that is due before the first step; return whether there is no step to make."""
        better = self.validate(reporter, bar, stop)
        stopped = self.ranks.any(bool(stop))
        if self.step > 0 and not stopped:  # this validation was cut short when the run was stopped
            self.save(reporter, better=better)
        if stop.fault is not None:
            raise stop.fault
        return stopped or self.finished

    def report(self, reporter: Reporter | None, bar: "tqdm[Any]", stop: StopRequest, remaining: RemainingTime) -> None:
        """Write one line of metrics: the means since the last one, and the throughput since then."""
        self.report_broken_steps()
        self.refuse_broken_weights()
        refuse_stalled(self.updates.stalled(), self.run_folder.path, step=self.step)
        of_ranks = self.ranks.gather(self.means.read())
        if reporter is None:
            return
        last = self.step - 1
        rate = learning_rate(
            self.config.train, step=last, epoch=self.epochs.at(last), clips_per_step=self.clips_per_step
        )
        place = {"schedule/epoch": self.epoch, "schedule/learning_rate": rate}
        place |= {f"output_gradient_norm/{name}": norm for name, norm in self.output_gradients.items()}
        self.output_gradients = {}
        try:
            summary = reporter.report(self.step, place, over_ranks(of_ranks))
        except MetricsLoggerError as error:
            stop.fault = error
            return
        if left := remaining.seconds(self.step, reporter.logger.seconds):
            summary += f"  {in_words(left)} left"
        bar.set_postfix_str(summary)
        if bar.disable:
            print(f"step {self.step}/{self.total_steps}  {summary}", flush=True)

    def validate(self, reporter: Reporter | None, bar: "tqdm[Any]", stop: StopRequest) -> bool:
        """Validate EMA and raw weights; return whether one of them is the best yet.

        A requested stop does not wait for it: the validation stays due, and is made when the run goes on.
        """
        done = False
        if reporter is not None and not stop:
            try:
                with self.clock.on("validation"):
                    self.best = reporter.validate(self.step, self.ema, self.synthesizer, self.best, stop)
                    done = True
                    reporter.diagnose(self.step, bar)
            except Interrupted:
                pass
            except MetricsLoggerError as error:
                stop.fault = error
        self.validation_due = reporter is not None and not done
        improved = self.ranks.any(done and self.step == self.best.step)
        if self.ranks.any(done):
            self.ending.validated(improved=improved)
        return improved and self.step > 0

    def save(self, reporter: Reporter | None, *, better: bool, fault: InputError | None = None) -> None:
        """Write a checkpoint, the voice, and, where this validation was the best until now, the best voice.

        Args:
            reporter: knows how long training took; None where another rank writes.
            better: whether a validation at this step was the best until now.
            fault: why metrics cannot be written any more: then this is the last thing that the run does.

        Raises:
            InputError: the disk is full or the folder is read-only; or there is a fault, and where the run is then.
        """
        with self.clock.on("saving"):
            self.report_broken_steps()
            self.refuse_broken_weights()
            state = self.state_dict()  # of all ranks
            if reporter is None:
                return
            state["seconds"] = self.seconds = reporter.logger.seconds
            if fault is not None:
                self.run_folder.path = reporter.logger.present_folder() or self.run_folder.path
            best = None
            if better:
                best = self.ema if self.best.weights == "averaged" else self.synthesizer
            self.run_folder.save(state, self.ema, best, best_step=self.best.step, fault=fault)

    def restore_voices(self) -> None:
        """Write again what a process that was killed during a save had not written yet."""
        self.best = self.run_folder.restore(step=self.step, average=self.ema, best=self.best)

    def report_broken_steps(self) -> None:
        """Record which of the newest steps had gradients that are not finite, and on which recordings."""
        report_broken_steps(
            self.recent,
            self.run_folder.path,
            self.ranks,
            self.config,
            from_seed=self.from_seed,
            quiet=self.dtype == torch.float16,  # which skips some while it finds its loss scale
        )

    def refuse_broken_weights(self) -> None:
        """Stop before weights that are NaN or infinite are written.

        Raises:
            InputError: there are some.
        """
        refuse_broken_weights(
            {name: getattr(self, network).state_dict() for name, network in NETWORKS.items()}
            | {name: getattr(self, name).state_dict()["state"] for name in OPTIMIZERS},
            self.run_folder.path,
            step=self.step,
        )

    def state_dict(self) -> dict[str, Any]:
        """All training state; nothing else is needed to go on bit for bit."""
        return state_of(self)

    def load_state_dict(self, state: dict[str, Any], *, is_another: bool = False) -> None:
        """Go on from a checkpoint, as `training.state.load_state`."""
        load_state(self, state, is_another=is_another)
