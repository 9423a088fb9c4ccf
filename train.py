"""Make a voice from recordings: `python train.py configs/ljspeech.toml data.root=LJSpeech-1.1`.

The Trainer builds an experiment, steps, reports and saves; `train_step` is the whole algorithm of VITS (Kim, Kong &
Son, 2021, section 2) on one page.

B batch · P phonemes · F frames · S segment samples · N spectrogram bins · M mel bands
"""

from configs.command_line import check_arguments
from training.command_line import read_arguments

if __name__ == "__main__":  # before torch is imported, which takes seconds
    check_arguments(read_arguments)

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from tqdm import tqdm

from configs import Config, InputError, command
from configs.content import require_like
from data.batch import Batch, HeldAudio, collate
from data.clips import Clip
from data.corpus import Corpus
from data.opening import open_corpus
from data.prefetcher import Prefetcher, clip_source, endless
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
from models.device import choose_device
from models.discriminator import Discriminator, DiscriminatorOutput
from models.finite_weights import first_not_finite, tensors_in
from models.synthesizer import Synthesis, Synthesizer
from monitoring.best import Best
from training.accumulation import LossNormalisation, MicroBatch, micro_batches
from training.broken_steps import RecentSteps, newest_record, read_record, write_records
from training.clock import Clock
from training.cuda_graphs import Replayed, execution, tell
from training.ema import make_ema, update_ema
from training.epochs import Epochs
from training.features import Features, Segments
from training.interruption import Interrupted, StopRequest, listening_for_stop
from training.metrics_logger import MetricsLogger, MetricsLoggerError, RunningMeans
from training.pace import Pace
from training.precision import choose_dtype
from training.random_state import noise_state, random_state, restore_noise, restore_random_state, seed_everything
from training.ranks import Ranks, is_restarted, leave, local_device
from training.rehearsal import refuse_too_large, settle_batch_size
from training.replay import replay
from training.reporting import Reporter
from training.resumption import Stopped, read_stopped
from training.run_folder import alone_in, newest_step, refuse_begun, save_config, save_elsewhere
from training.run_voices import BEST, NEWEST, RunVoices
from training.schedule import learning_rate
from training.step_report import StepReport, over_ranks, totals
from training.updates import Updates
from training.validation import Validation
from voices.checkpoint import (
    checkpoint_path,
    content_of_checkpoint,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from voices.importing.warm_start import WarmStart

WEIGHTS = ("synthesizer", "discriminator", "average")  # what a checkpoint has of them
_CHECKED_ELSEWHERE = ("config", "scaler")  # of a checkpoint, by those who read them


@dataclass
class Spoken:
    """What the synthesizer made of a part of a batch, beside what was recorded."""

    shares: LossNormalisation
    synthesis: Synthesis
    segments: Segments
    real_output: DiscriminatorOutput | None = None  # by the discriminator before its update


class Trainer:
    """One experiment from its first step to its last.

    Args:
        config: the experiment.
        corpus: its recordings.
        ranks: who trains together; None is this process alone.
    """

    def __init__(self, config: Config, corpus: Corpus, ranks: Ranks | None = None) -> None:
        self.config, self.corpus, self.ranks = config, corpus, ranks or Ranks()
        audio, train = config.audio, config.train
        self.folder = Path(config.run.dir)
        self.device = choose_device(local_device(config.run.device))
        self.dtype = choose_dtype(train.precision, self.device)
        if config.run.threads:
            torch.set_num_threads(config.run.threads)
        seed_everything(config.run.seed)

        self.synthesizer = Synthesizer(
            config, num_symbols=corpus.symbols.size, num_speakers=max(1, len(corpus.speakers))
        ).to(self.device)
        self.discriminator = Discriminator(config.discriminator).to(self.device)
        self.average = make_ema(self.synthesizer)
        self.synthesizer_optimizer = self._optimizer(self.synthesizer)
        self.discriminator_optimizer = self._optimizer(self.discriminator)
        self.scaler = torch.amp.grad_scaler.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.updates = Updates(self.scaler, self.device)
        self.recent = RecentSteps()
        self.pace = Pace(train, self.device)
        self.carry_out = execution(
            self.train_step,
            train,
            dtype=self.dtype,
            device=self.device,
            ranks=self.ranks.count,
            networks=[*self.synthesizer.children(), self.discriminator],
        )

        if not self.ranks.is_first:  # the same weights, and noise of its own
            seed_everything(config.run.seed + self.ranks.rank)
        self.features = Features(config, self.device)
        self.validation = Validation(config, corpus, self.features, make_batch=self.batch, autocast=self.autocast)
        self.source = clip_source(
            corpus.train,
            corpus.shards,
            hop_length=audio.hop_length,
            bounds=config.data.bucket_frames,
            batch_size=train.batch_size,
            max_frames=train.batch_frames,
            seed=config.run.seed,
            rank=self.ranks.rank,
            ranks=self.ranks.count,
        )
        # A recorded step is for one shape of batch, so there shall be few.
        self.frame_bounds = config.data.bucket_frames if isinstance(self.carry_out, Replayed) else ()
        self.held: HeldAudio | None = None
        if config.data.hold == "device":
            self.held = HeldAudio([*corpus.train, *corpus.validation], self.device)
        self.prefetcher = Prefetcher()
        self.clock = Clock(lambda: self.prefetcher.waited_seconds)
        self.epochs = Epochs(len(self.source))
        self.step = 0  # updates made; epoch and place in the epoch follow from it
        self.validation_due = True  # the value to fall from; and what cannot work shows before the first hour
        self.seconds = 0.0
        self.best = Best()
        self.voices = RunVoices(config, corpus)
        self.means = RunningMeans()
        self.from_seed = True  # whether the weights of step 0 follow from the settings

    # ------------------------------------------------------------------------------------------- the algorithm

    def train_step(self, batch: Batch) -> StepReport:
        """Teach the discriminator once, then the synthesizer once, on one batch."""
        parts = self.parts(batch)
        noise = noise_state(self.device) if len(parts) > 1 else []
        with torch.set_grad_enabled(len(parts) == 1):
            spoken: Iterable[Spoken] = [self.speak(part) for part in parts]
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        judged = [self.teach_discriminator(each) for each in spoken]
        discriminator_norm = self.update(self.discriminator, self.discriminator_optimizer)

        if len(parts) > 1:  # saves memory: each part is spoken once more, in the same noise, when it is its turn
            restore_noise(noise, self.device)
            spoken = map(self.speak, parts)
        self.synthesizer_optimizer.zero_grad(set_to_none=True)
        taught = [self.teach_synthesizer(each) for each in spoken]
        synthesizer_norm = self.update(self.synthesizer, self.synthesizer_optimizer)
        self.scaler.update()
        update_ema(self.average, self.synthesizer, self.pace.average_share)
        return StepReport(totals([*judged, *taught]), discriminator_norm, synthesizer_norm)

    def speak(self, part: MicroBatch) -> Spoken:
        """Let the synthesizer say the recordings again."""
        with self.autocast():
            spectrogram, synthesis = self.features.synthesize(self.synthesizer, part.batch)
            return Spoken(part.normalisation, synthesis, self.features.segments(part.batch, spectrogram, synthesis))

    def teach_discriminator(self, spoken: Spoken) -> dict[str, Tensor]:
        """The recordings are real, and what the synthesizer said is not."""
        share = spoken.shares.clips
        with self.autocast():
            real, fake = self.discriminator.compare(spoken.segments.real, spoken.segments.fake.detach())
            loss, real_parts, fake_parts = discriminator_loss(real.logits, fake.logits)
            loss = loss * share
        self.scaler.scale(loss).backward()
        if self.config.train.reuse_real_features:
            spoken.real_output = real
        return {
            "loss/discriminator": loss.detach(),
            **self.discriminator.named("discriminator_real", [part * share for part in real_parts]),
            **self.discriminator.named("discriminator_fake", [part * share for part in fake_parts]),
            **self.discriminator.named("accuracy_real", [part * share for part in real.share_classified_real()]),
            **self.discriminator.named("accuracy_fake", [(1 - part) * share for part in fake.share_classified_real()]),
        }

    def teach_synthesizer(self, spoken: Spoken) -> dict[str, Tensor]:
        """Say what was recorded, where the text has it, and so that the discriminator takes it for real."""
        said, segments, shares = spoken.synthesis, spoken.segments, spoken.shares
        with self.autocast(), frozen(self.discriminator), parametrize.cached():  # its weights are normalised once
            real_output = spoken.real_output
            if real_output is None:
                with torch.no_grad():
                    real_output = self.discriminator(segments.real)
            generated_output = self.discriminator(segments.fake)
            adversarial, fooled_parts = generator_loss(generated_output.logits)
            bands, subband_stft = segments.sub_bands, None
            if bands is not None:
                subband_stft = subband_stft_loss(bands.real, bands.fake, bands.mask) * shares.segment_frames
            kl = kl_loss(said.z_p, said.posterior.log_std, said.prior.mean, said.prior.log_std, said.frame_mask)
            objective = SynthesizerObjective(
                mel=mel_loss(segments.mel_real, segments.mel_fake, segments.frame_mask) * shares.segment_frames,
                kl=kl * shares.frames,
                duration=duration_loss(said.duration_cost, said.phoneme_mask) * shares.phonemes,
                adversarial=adversarial * shares.clips,
                feature_matching=feature_loss(real_output.feature_maps, generated_output.feature_maps) * shares.clips,
                subband_stft=subband_stft,
            )
            loss = objective.total(self.config.loss)
        self.scaler.scale(loss).backward()
        return {
            "loss/synthesizer": loss.detach(),
            **{f"loss/{name}": term.detach() for name, term in objective.named().items()},
            **self.discriminator.named("discriminator_fooled", [part * shares.clips for part in fooled_parts]),
        }

    def parts(self, batch: Batch) -> list[MicroBatch]:
        """The batch as a whole, or in `train.accumulate` parts."""
        return micro_batches(
            batch,
            self.config.train.accumulate,
            hop_length=self.config.audio.hop_length,
            segment_frames=self.config.segment_frames,
            ranks=self.ranks,
        )

    def autocast(self) -> torch.autocast:
        """The one place that decides precision; what must be float32 casts itself."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def update(self, network: nn.Module, optimizer: torch.optim.AdamW) -> Tensor:
        """One step of one optimizer down its gradients; return their norm before clipping, 0-d."""
        self.ranks.sum_gradients(list(network.parameters()))
        self.scaler.unscale_(optimizer)
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        if self.config.train.max_gradient_norm < math.inf:
            nn.utils.clip_grads_with_norm_(network.parameters(), self.config.train.max_gradient_norm, norm)
        for group in optimizer.param_groups:
            group["lr"] = self.pace.learning_rate
        self.updates.make("discriminator" if network is self.discriminator else "synthesizer", optimizer, norm)
        return norm

    # ------------------------------------------------------------------------------------------------ the loop

    def teach(self, batch: Batch) -> StepReport:
        """Make a training step at the pace of its place in the run, carried out as `train.execution` says."""
        self.pace.set(step=self.step, epoch=self.epoch)
        noise = noise_state(self.device)
        report = self.carry_out(batch)
        self.recent.add(self.step + 1, batch.ids, noise, report.gradient_norms())
        return report

    def compute_in_float32(self) -> None:
        """Make every further step in float32, operation by operation, and without other ranks."""
        self.ranks, self.dtype = Ranks(), torch.float32
        self.scaler = torch.amp.grad_scaler.GradScaler(self.device.type, enabled=False)
        self.updates = Updates(self.scaler, self.device)
        self.carry_out = self.train_step

    @property
    def epoch(self) -> int:
        """Passes over the data that are finished."""
        return self.epochs.at(self.step)

    @property
    def total_steps(self) -> int:
        """Updates after which training ends."""
        train = self.config.train
        return min(train.steps, self.epochs.end(train.epochs)) if train.epochs else train.steps

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.step >= self.total_steps and not self.validation_due

    def train(self, stop: StopRequest) -> None:
        """Step until the end, or until somebody asks to stop; save before returning.

        Raises:
            InputError: another process is training in this folder or has done so meanwhile, the folder cannot be
                written any more, or training broke.
        """
        if not self.ranks.is_first:
            self._train(stop, None)
            return
        with alone_in(self.folder, step=self.step):
            self.mend_voices()
            save_config(self.folder, self.config)
            with closing(MetricsLogger(self.folder, step=self.step, seconds=self.seconds)) as journal:
                self._train(stop, Reporter(self.config, self.corpus, journal, self.validation, self.clock))

    def _train(self, stop: StopRequest, reporter: Reporter | None) -> None:
        train = self.config.train
        bar = tqdm(
            total=self.total_steps, initial=self.step, unit="step", disable=reporter is None or None, dynamic_ncols=True
        )
        try:
            if reporter is not None:
                reporter.begin(self.step)
            if self.validation_due and self._validate_first(reporter, bar, stop):
                return
            self.clock.read(steps=1)
            with closing(self.batches()) as batches:
                for batch in batches:
                    self.means.add(self.teach(batch).scalars())
                    self.step += 1
                    bar.update()
                    finished, better = self.step >= self.total_steps, False
                    if self.step % train.report_every == 0 or finished:
                        self.report(reporter, bar, stop)
                    stopped = self.ranks.any(bool(stop))
                    self.validation_due = self.step % train.validate_every == 0 or finished
                    if self.validation_due and not stopped:
                        better = self.validate(reporter, bar, stop)
                        stopped = self.ranks.any(bool(stop))  # meanwhile
                    if self.step % train.checkpoint_every == 0 or better or finished or stopped:
                        self.save(reporter, better=better, fault=stop.fault)
                    if finished or stopped:
                        return
        finally:
            bar.close()

    def _validate_first(self, reporter: Reporter | None, bar: "tqdm[Any]", stop: StopRequest) -> bool:
        """Make the validation that is due before the first step; return whether there is none to make."""
        better = self.validate(reporter, bar, stop)
        stopped = self.ranks.any(bool(stop))
        if self.step > 0 and not stopped:  # this validation was cut short when the run was stopped
            self.save(reporter, better=better)
        if stop.fault is not None:
            raise stop.fault
        return stopped or self.step >= self.total_steps

    def batches(self) -> Generator[Batch, None, None]:
        """The batches from the present step on, without end; their order depends on the seed and the epoch alone."""
        since = self.step - self.epochs.first_step
        clips = endless(self.source, since, first_epoch=self.epochs.first_epoch)
        return self.prefetcher.through(map(self.batch, clips))

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Put clips side by side on the device."""
        return collate(
            clips,
            hop_length=self.config.audio.hop_length,
            minimum_samples=self.config.train.segment_samples,
            speakers=len(self.corpus.speakers) > 1,
            device=self.device,
            held=self.held,
            frame_bounds=self.frame_bounds,
        )

    def report(self, reporter: Reporter | None, bar: "tqdm[Any]", stop: StopRequest) -> None:
        """Write one line of metrics: the means since the last one, and the pace since then."""
        self.record_broken_steps()
        self.refuse_broken_weights()
        self.refuse_hopeless()
        of_ranks = self.ranks.gather(self.means.read())
        if reporter is None:
            return
        last = self.step - 1
        rate = learning_rate(self.config.train, step=last, epoch=self.epochs.at(last))
        place = {"pace/epoch": self.epoch, "pace/learning_rate": rate}
        try:
            summary = reporter.report(self.step, place, over_ranks(of_ranks))
        except MetricsLoggerError as error:
            stop.fault = error
            return
        bar.set_postfix_str(summary)
        if bar.disable:
            print(f"step {self.step}/{self.total_steps}  {summary}", flush=True)

    def record_broken_steps(self) -> None:
        """Write down which of the newest steps had gradients that are not finite, and on which recordings."""
        broken = self.recent.read()  # the same on all ranks, since gradients are added over them
        if not broken:
            return
        of_ranks = self.ranks.gather(broken)
        if not self.ranks.is_first:
            return
        try:
            write_records(self.folder, of_ranks, self.config, from_seed=self.from_seed)
        except InputError as error:  # a run is worth more than its records
            tell(f"step {broken[0].step} was skipped, and is not recorded: {error}")
            return
        if self.dtype != torch.float16:  # which skips some while it looks for its scale
            tell(
                f"the gradients of step {broken[0].step} are not finite: it was skipped; the operation where that "
                f"began is found by python train.py --replay {self.folder} {broken[0].step}"
            )

    def refuse_broken_weights(self) -> None:
        """Stop a run before weights that are NaN or infinite are written to the disk.

        Raises:
            InputError: there are some.
        """
        state = {name: getattr(self, name).state_dict() for name in WEIGHTS}
        for name in ("synthesizer_optimizer", "discriminator_optimizer"):
            state[name] = getattr(self, name).state_dict()["state"]
        broken = first_not_finite(tensors_in(state))
        if broken is not None:
            raise InputError(
                f"training broke before step {self.step}: {broken} is NaN or infinite, and is not saved; "
                f"{self._way_out}"
            )

    @property
    def _way_out(self) -> str:
        newest = list_checkpoints(self.folder / "checkpoints")[-1:]
        return (
            f"the newest checkpoint is {newest[0] if newest else 'none'}; lower train.learning_rate, or set "
            "train.max_gradient_norm or train.precision=fp32"
        )

    def refuse_hopeless(self) -> None:
        """Stop a run that learns nothing any more.

        Raises:
            InputError: no step for a long while had gradients that are numbers.
        """
        hopeless = self.updates.hopeless()
        if hopeless:
            raise InputError(
                f"training broke before step {self.step}: the gradients of the {' and the '.join(hopeless)} have been "
                f"NaN or infinite for many steps; {self._way_out}"
            )

    def validate(self, reporter: Reporter | None, bar: "tqdm[Any]", stop: StopRequest) -> bool:
        """Validate the averaged and the newest weights; return whether one of them is the best yet.

        Who asks to stop does not wait for it: the validation stays due, and is made when the run goes on.
        """
        judged = False
        if reporter is not None and not stop:
            try:
                with self.clock.on("validation"):
                    self.best = reporter.validate(self.step, self.average, self.synthesizer, self.best, stop)
                    judged = True
                    reporter.diagnose(self.step, bar)
            except Interrupted:
                pass
            except MetricsLoggerError as error:
                stop.fault = error
        self.validation_due = reporter is not None and not judged
        return self.ranks.any(judged and 0 < self.step == self.best.step)

    # ------------------------------------------------------------------------------------------------- the disk

    def save(self, reporter: Reporter | None, *, better: bool, fault: InputError | None = None) -> None:
        """Write a checkpoint, the voice as it is now, and, where this is better than all before, the best voice.

        Args:
            reporter: knows how long training took; None where another rank writes.
            better: whether a validation at this step was the best until now.
            fault: why the journal cannot be written any more: then this is the last that the run does.

        Raises:
            InputError: the disk is full or the folder is read-only; or there is a fault, and where the run is then.
        """
        with self.clock.on("saving"):
            if fault is not None and reporter is not None:
                self.folder = reporter.journal.present_folder() or self.folder
            self.record_broken_steps()
            self.refuse_broken_weights()
            state = self.state_dict()
            if reporter is None:
                return
            state["seconds"] = self.seconds = reporter.journal.seconds
            folder = self.folder / "checkpoints"
            try:
                save_checkpoint(checkpoint_path(folder, self.step), state)
                self.voices.save(self.folder / NEWEST, self.average, step=self.step)
                if better:
                    best = self.average if self.best.weights == "averaged" else self.synthesizer
                    self.voices.save(self.folder / BEST, best, step=self.step)
                if fault is not None:
                    save_config(self.folder, self.config)  # in a folder that was deleted there is none
            except InputError as error:
                told = str(error) if fault is None else f"{fault}, and {error}"
                place = save_elsewhere(self.folder.name, state, self.config)
                if place is not None:
                    told += (
                        f"; the run is saved at step {self.step} in {place}: see that there is room in {self.folder},"
                    )
                    told += f" and continue with python train.py --resume {place}, or move its checkpoint there"
                raise InputError(told) from error
            prune_checkpoints(
                folder,
                keep=self.config.train.keep_checkpoints,
                best_step=self.best.step,
                replayed_step=newest_record(self.folder),
            )
        if fault is not None:
            raise InputError(
                f"{fault}; the run is saved at step {self.step}: continue with python train.py --resume {self.folder}"
            ) from fault

    def mend_voices(self) -> None:
        """Make again what a process that was killed while it saved had not written yet."""
        self.best = self.voices.mend(self.folder, step=self.step, average=self.average, best=self.best)

    def state_dict(self) -> dict[str, Any]:
        """All training state; nothing else is needed to go on bit for bit."""
        own = {"means": self.means.state_dict(), "random": random_state()}
        return {**self._state_of_all_ranks(), "ranks": self.ranks.gather(own)}

    def _state_of_all_ranks(self) -> dict[str, Any]:
        """The part of the state that is the same on every rank."""
        return {
            "config": self.config.model_dump(exclude_none=True),
            "symbols": self.corpus.symbols.to_json(),
            "speakers": list(self.corpus.speakers),
            "fingerprint": self.corpus.fingerprint,
            "step": self.step,
            "epochs": asdict(self.epochs),
            "validation_due": self.validation_due,
            "seconds": self.seconds,
            "best": asdict(self.best),
            "synthesizer": self.synthesizer.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "synthesizer_optimizer": self.synthesizer_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any], *, is_another: bool = False) -> None:
        """Go on from a checkpoint of the same settings and the same data; or, as another run, of others.

        Raises:
            ValueError, LookupError, RuntimeError, TypeError, AttributeError: the state is of another structure.
        """
        # What an older version wrote may lack something; settings are parsed, and what is drawn has its own readers.
        expected = self._state_of_all_ranks()
        expected = {name: value for name, value in expected.items() if name not in _CHECKED_ELSEWHERE}
        require_like(state, expected, complete=False)
        for name in ("synthesizer", "discriminator", "average", "synthesizer_optimizer", "discriminator_optimizer"):
            getattr(self, name).load_state_dict(state[name])
        for optimizer in (self.synthesizer_optimizer, self.discriminator_optimizer):
            for weight, moments in optimizer.state.items():
                known = (tensor for tensor in moments.values() if isinstance(tensor, Tensor) and tensor.dim())
                if any(tensor.shape != weight.shape for tensor in known):
                    raise ValueError("the moments of an optimizer are of other shapes than its weights")
        train = self.config.train
        for group in (*self.synthesizer_optimizer.param_groups, *self.discriminator_optimizer.param_groups):
            group.update(betas=(train.adam_beta_1, train.adam_beta_2), eps=train.adam_epsilon)
            group.update(weight_decay=train.weight_decay, **self._way_to_step)
        if state["scaler"]:  # empty unless the run was in fp16
            self.scaler.load_state_dict(state["scaler"])
        self.from_seed = False
        self.step, self.seconds, self.best = state["step"], state["seconds"], Best(**state["best"])
        self.epochs = Epochs(**state.get("epochs", asdict(self.epochs)))
        self.validation_due = state.get("validation_due", False)
        if is_another:
            self.epochs = self.epochs.broken_off(self.step, len(self.source))
            seed_everything(self.config.run.seed + self.step * self.ranks.count + self.ranks.rank)
            return
        own = state["ranks"][self.ranks.rank]
        self.means.load_state_dict(own["means"], self.device)
        restore_random_state(own["random"])

    @property
    def _way_to_step(self) -> dict[str, bool]:
        recorded = self.device.type == "cuda" and "graphs" in self.config.train.execution
        return {"fused": self.device.type in ("cpu", "cuda"), "capturable": recorded}

    def _optimizer(self, network: nn.Module) -> torch.optim.AdamW:
        train = self.config.train
        return torch.optim.AdamW(
            network.parameters(),
            lr=train.learning_rate,
            betas=(train.adam_beta_1, train.adam_beta_2),
            eps=train.adam_epsilon,
            weight_decay=train.weight_decay,
            **self._way_to_step,
        )


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
        warm.refuse_misfit(config)
    verbose = ranks is None or ranks.is_first
    corpus = open_corpus(config.data, config.audio, verbose=verbose)
    config = settle_batch_size(config, lambda settled: Trainer(settled, corpus, ranks))
    trainer = Trainer(config, corpus, ranks)
    if warm is not None:
        alphabet = corpus.symbols.to_json()
        report = warm.give(trainer.synthesizer, trainer.discriminator, config, alphabet, corpus.speakers)
        trainer.average.load_state_dict(trainer.synthesizer.state_dict())
        trainer.from_seed = False
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
        folder: the run's.
        overrides: settings that are to be otherwise from here on.
        ranks: who trains together; None is this process alone.
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
        print(stopped.told())
    broken = first_not_finite(tensors_in({name: stopped.state.get(name) for name in WEIGHTS}))
    if broken is not None:
        raise InputError(f"{stopped.checkpoint}: {broken} is NaN or infinite: delete it to go on from an older one")
    trainer = Trainer(settle_batch_size(stopped.config, lambda settled: Trainer(settled, corpus, ranks)), corpus, ranks)
    with content_of_checkpoint(stopped.checkpoint):
        trainer.load_state_dict(stopped.state, is_another=stopped.is_another)
    return trainer


def replayed(folder: Path, step: int, ranks: Ranks) -> str:
    """Make a step again whose gradients were not finite; return what was found, in a few lines.

    Raises:
        InputError: the step was not recorded, or there are no weights or recordings to make it again with.
    """
    record = read_record(folder, step, rank=ranks.rank, ranks=ranks.count)
    checkpoints = list_checkpoints(folder / "checkpoints")
    before = [path for path in checkpoints if int(path.stem) < step]
    exactly = bool(before) or record.from_seed
    if not checkpoints and not exactly:
        raise InputError(f"{folder}: there is no checkpoint in it to replay step {step} with")
    config, stopped = record.config, None
    if before or not exactly:
        path = before[-1] if before else checkpoints[0]
        stopped = Stopped(config, path, load_checkpoint(path))
        stopped, corpus = stopped.open_corpus(accept_changes=False, verbose=ranks.is_first)
    else:
        corpus = open_corpus(config.data, config.audio, verbose=ranks.is_first)
    trainer = Trainer(config, corpus, ranks)
    if stopped is not None:
        with content_of_checkpoint(stopped.checkpoint):
            trainer.load_state_dict(stopped.state)
    weights = "those of the seed" if stopped is None else f"those of {stopped.checkpoint}"
    if not exactly:
        weights += ", for there are none of a step before"
    found = replay(trainer, record.broken, exactly=exactly)
    norms = ", ".join(f"{norm:g} ({network})" for network, norm in record.broken.gradient_norms.items())
    lines = (
        f"step         {step}, of which the norms of the gradients were {norms}",
        f"recordings   {', '.join(record.broken.ids)}",
        f"weights      {weights}",
        f"in float32   {found}",
    )
    return "\n".join(lines)


@command
def main() -> int:
    """Train from the command line."""
    asked = read_arguments()
    with Ranks.joined() as ranks:
        if asked.replay is not None:
            found = ranks.gather(replayed(*asked.replay, ranks))
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
    if trainer.finished:
        if trainer.ranks.is_first:
            with alone_in(trainer.folder, step=trainer.step):
                trainer.mend_voices()
            print(f"{trainer.folder} is at step {trainer.step} of {trainer.total_steps}: raise train.steps to train on")
        return 0
    refuse_too_large(trainer)
    with listening_for_stop() as stop:
        try:
            trainer.train(stop)
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{trainer.device} has no room for train.batch_size = {trainer.config.train.batch_size}: lower it, or "
                "train.segment_samples, or raise train.accumulate"
            ) from error
        if trainer.ranks.is_first:
            tell_end(trainer)
    return 0 if trainer.finished or not trainer.ranks.is_first else 128 + (stop.signal_number or 0)


def tell_end(trainer: Trainer) -> None:
    """Say what there is now."""
    if not trainer.step:
        print("stopped before the first step: there is nothing to save")
        return
    place = f"step {trainer.step} of {trainer.total_steps}"
    print(f"{'finished' if trainer.finished else 'stopped and saved'} at {place}")
    print(f"voice        {trainer.folder / NEWEST}")
    if trainer.best.step:
        print(f"best voice   {trainer.folder / BEST} (step {trainer.best.step})")
    print(f"checkpoint   {checkpoint_path(trainer.folder / 'checkpoints', trainer.step)}")
    print(f"curves       python -m monitoring {trainer.folder}")
    print(f"TensorBoard  tensorboard --logdir {trainer.folder}")
    if not trainer.finished:
        print(f"continue     python train.py --resume {trainer.folder}")


if __name__ == "__main__":
    leave(main())
