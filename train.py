"""Make a voice from recordings: `python train.py configs/ljspeech.toml data.root=LJSpeech-1.1`.

The Trainer builds an experiment, steps, reports and saves; `train_step` is the whole algorithm of VITS (Kim, Kong &
Son, 2021, section 2) on one page.

B batch · P phonemes · F frames · S segment samples · N spectrogram bins · M mel bands
"""

import argparse
import math
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from filelock import Timeout as FileLockTimeout
from torch import Tensor, nn
from tqdm import tqdm

from configs import Config, InputError, command, differences, dump_config, load_config, parse_config
from configs.atomic_file import replacing
from data.batch import Batch, HeldAudio, collate
from data.clips import Clip
from data.corpus import Corpus, load_corpus
from data.feed import Feed, clip_source, endless
from data.prepare import prepare_and_tell
from data.shards import open_shards
from data.text import SymbolTable
from losses import (
    SynthesizerObjective,
    discriminator_loss,
    duration_loss,
    feature_loss,
    generator_loss,
    kl_loss,
    mel_loss,
)
from models import Discriminator, Synthesizer
from models.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint, prune_checkpoints, save_checkpoint
from models.device import choose_device
from models.voice_file import save_voice
from training.averaging import make_average, update_average
from training.features import Features
from training.interruption import StopRequest, listening_for_stop
from training.journal import Journal, RunningMeans
from training.precision import choose_dtype
from training.random_state import random_state, restore_random_state, seed_everything
from training.schedule import learning_rate
from training.validation import Validation

# What may differ when a run is resumed, because the checkpoint fits all the same: where and how long it runs, what it
# reports, how the voice speaks, and how the optimizers step. Of the last, a change is announced.
MAY_CHANGE = (
    *("run.dir", "run.device", "run.threads"),
    *("data.root", "data.format", "data.cache", "data.lexicon", "data.strict"),
    *("data.hold", "data.shards"),
    *("train.steps", "train.epochs", "train.report_every", "train.validate_every", "train.checkpoint_every"),
    *("train.keep_checkpoints", "train.spoken_sentences"),
    *("speaking.noise_scale", "speaking.duration_noise_scale", "speaking.speed", "speaking.pause_seconds"),
)
MAY_CHANGE_ALOUD = (
    *("train.learning_rate", "train.learning_rate_decay", "train.warmup_steps", "train.weight_decay"),
    *("train.max_gradient_norm", "train.precision", "train.ema_decay", "train.reuse_real_features"),
)


@dataclass(frozen=True)
class StepReport:
    """What one step has to say, as 0-d tensors that nobody has waited for yet."""

    discriminator_loss: Tensor
    synthesizer_loss: Tensor
    objective: SynthesizerObjective
    discriminator_gradient_norm: Tensor
    synthesizer_gradient_norm: Tensor
    parts: dict[str, Tensor]  # each discriminator's part of the adversarial losses

    def scalars(self) -> dict[str, Tensor]:
        """Every number under the name it has in metrics.jsonl and TensorBoard."""
        return {
            "loss/discriminator": self.discriminator_loss,
            "loss/synthesizer": self.synthesizer_loss,
            **{f"loss/{name}": term.detach() for name, term in self.objective.named().items()},
            "gradient_norm/discriminator": self.discriminator_gradient_norm,
            "gradient_norm/synthesizer": self.synthesizer_gradient_norm,
            **self.parts,
        }


class Trainer:
    """One experiment from its first step to its last.

    Args:
        config: the experiment.
        corpus: its recordings.
    """

    def __init__(self, config: Config, corpus: Corpus) -> None:
        self.config, self.corpus = config, corpus
        audio, train = config.audio, config.train
        self.folder = Path(config.run.dir)
        self.device = choose_device(config.run.device)
        self.dtype = choose_dtype(train.precision, self.device)
        if config.run.threads:
            torch.set_num_threads(config.run.threads)
        seed_everything(config.run.seed)

        self.synthesizer = Synthesizer(
            config, num_symbols=corpus.symbols.size, num_speakers=max(1, len(corpus.speakers))
        ).to(self.device)
        self.discriminator = Discriminator(config.discriminator).to(self.device)
        self.average = make_average(self.synthesizer)
        self.synthesizer_optimizer = self._optimizer(self.synthesizer)
        self.discriminator_optimizer = self._optimizer(self.discriminator)
        self.scaler = torch.amp.grad_scaler.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

        self.features = Features(config, self.device)
        self.validation = Validation(
            config, corpus, self.average, self.features, make_batch=self.batch, autocast=self.autocast
        )
        self.source = clip_source(
            corpus.train,
            corpus.shards,
            hop_length=audio.hop_length,
            bounds=config.data.bucket_frames,
            batch_size=train.batch_size,
            max_frames=train.batch_frames,
            seed=config.run.seed,
        )
        self.held: HeldAudio | None = None
        if config.data.hold == "device":
            self.held = HeldAudio([*corpus.train, *corpus.validation], self.device)
        self.feed = Feed()
        self.total_steps = min(train.steps, (train.epochs or train.steps) * len(self.source))
        self.step = 0  # updates made; epoch and place in the epoch follow from it
        self.seconds = 0.0
        self.best: dict[str, float] = {"step": 0, "mel": math.inf}
        self.means = RunningMeans()

    # ------------------------------------------------------------------------------------------- the algorithm

    def train_step(self, batch: Batch) -> StepReport:
        """Teach the discriminator once, then the synthesizer once, on one batch."""
        spectrogram = self.features.spectrogram(batch)  # [B, N, F]
        with self.autocast():
            spoken = self.synthesizer(
                batch.phoneme_ids,
                batch.phoneme_lengths,
                spectrogram,
                self.features.frame_lengths(batch),
                batch.speaker_ids,
            )
            segments = self.features.segments(batch, spectrogram, spoken)
            judged_real, judged_fake = self.discriminator.compare(segments.real, segments.fake.detach())
            loss_of_judges, real_parts, fake_parts = discriminator_loss(judged_real.scores, judged_fake.scores)
        discriminator_norm = self.update(self.discriminator, self.discriminator_optimizer, loss_of_judges)

        with self.autocast(), frozen(self.discriminator):
            if not self.config.train.reuse_real_features:  # the judges have learned since they heard the recordings
                with torch.no_grad():
                    judged_real = self.discriminator(segments.real)
            judged_fake = self.discriminator(segments.fake)
            adversarial, fooled_parts = generator_loss(judged_fake.scores)
            objective = SynthesizerObjective(
                mel=mel_loss(segments.mel_real, segments.mel_fake, segments.frame_mask),
                kl=kl_loss(
                    spoken.z_p, spoken.posterior.log_std, spoken.prior.mean, spoken.prior.log_std, spoken.frame_mask
                ),
                duration=duration_loss(spoken.duration_cost, spoken.phoneme_mask),
                adversarial=adversarial,
                feature_matching=feature_loss(judged_real.features, judged_fake.features),
            )
            loss = objective.total(self.config.loss)
        synthesizer_norm = self.update(self.synthesizer, self.synthesizer_optimizer, loss)
        self.scaler.update()
        update_average(self.average, self.synthesizer, decay=self.config.train.ema_decay, step=self.step)
        return StepReport(
            discriminator_loss=loss_of_judges.detach(),
            synthesizer_loss=loss.detach(),
            objective=objective,
            discriminator_gradient_norm=discriminator_norm,
            synthesizer_gradient_norm=synthesizer_norm,
            parts={
                f"{name}/{side}": part
                for side, parts in (("real", real_parts), ("fake", fake_parts), ("fooled", fooled_parts))
                for name, part in zip(self.discriminator.names, parts, strict=True)
            },
        )

    def autocast(self) -> torch.autocast:
        """The one place that decides precision; what must be float32 casts itself."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def update(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
        """One step of one optimizer down one loss; return the norm of the gradients before clipping, 0-d."""
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(optimizer)
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        if self.config.train.max_gradient_norm < math.inf:
            nn.utils.clip_grads_with_norm_(network.parameters(), self.config.train.max_gradient_norm, norm)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(self.config.train, step=self.step, epoch=self.epoch)
        self.scaler.step(optimizer)
        return norm

    # ------------------------------------------------------------------------------------------------ the loop

    @property
    def epoch(self) -> int:
        """Passes over the data that are finished."""
        return self.step // len(self.source)

    def train(self, stop: StopRequest) -> None:
        """Step until the end, or until somebody asks to stop; save before returning.

        Raises:
            InputError: another process is training in this folder, or training broke.
        """
        with alone_in(self.folder):
            with replacing(self.folder / "config.toml") as file:
                file.write(dump_config(self.config).encode())
            self._train(stop)

    def _train(self, stop: StopRequest) -> None:
        train = self.config.train
        journal = Journal(self.folder, step=self.step, seconds=self.seconds)
        bar = tqdm(total=self.total_steps, initial=self.step, unit="step", disable=None, dynamic_ncols=True)
        try:
            if self.step == 0:
                self.validate(journal)  # the value to fall from; and whatever cannot work shows before the first hour
            since = self._progress()
            with closing(self.batches()) as batches:
                for batch in batches:
                    self.means.add(self.train_step(batch).scalars())
                    self.step += 1
                    bar.update()
                    finished, better = self.step == self.total_steps, False
                    if self.step % train.report_every == 0 or finished:
                        self.report(journal, bar, since=since)
                        since = self._progress()
                    if self.step % train.validate_every == 0 or finished:
                        better = self.validate(journal)
                        since = self._progress()
                    if self.step % train.checkpoint_every == 0 or better or finished or stop:
                        self.save(journal)
                        since = self._progress()
                    if finished or stop:
                        return
        finally:
            bar.close()
            journal.close()

    def _progress(self) -> tuple[int, float, float]:
        """Steps made, seconds on the clock, and seconds spent waiting for data."""
        return self.step, time.monotonic(), self.feed.waited_seconds

    def batches(self) -> Generator[Batch, None, None]:
        """The batches from the present step on, without end; their order depends on the seed and the epoch alone."""
        return self.feed.through(map(self.batch, endless(self.source, self.step)))

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Put clips side by side on the device."""
        return collate(
            clips,
            hop_length=self.config.audio.hop_length,
            minimum_samples=self.config.train.segment_samples,
            speakers=len(self.corpus.speakers) > 1,
            device=self.device,
            held=self.held,
        )

    def report(self, journal: Journal, bar: "tqdm[Any]", *, since: tuple[int, float, float]) -> None:
        """Write one line of metrics: the means since the last one, and the pace since then."""
        self.refuse_broken_losses()
        means = self.means.read()
        rate = self.synthesizer_optimizer.param_groups[0]["lr"]
        steps, seconds, waited = (now - then for now, then in zip(self._progress(), since, strict=True))
        seconds_per_step = seconds / steps
        place = {"epoch": self.epoch, "learning_rate": rate, "seconds_per_step": seconds_per_step}
        journal.scalars(self.step, {**place, "waiting_for_data_share": waited / seconds, **means})
        summary = f"mel {means['loss/mel']:.3f}  kl {means['loss/kl']:.3f}  duration {means['loss/duration']:.3f}"
        bar.set_postfix_str(summary)
        if bar.disable:
            print(f"step {self.step}/{self.total_steps}  {summary}  {seconds_per_step:.2f} s/step", flush=True)

    def refuse_broken_losses(self) -> None:
        """Stop a run whose losses or gradients are no numbers any more, before that reaches the disk.

        Raises:
            InputError: a loss or a gradient since the last report is NaN or infinite.
        """
        # In fp16 such a step is skipped and the scale halved, until there is nothing left to halve.
        if self.scaler.is_enabled() and self.scaler.get_scale() >= 1:
            return
        broken = [name for name in self.means.broken() if name.startswith(("loss/", "gradient_norm/"))]
        if broken:
            newest = list_checkpoints(self.folder / "checkpoints")[-1:]
            raise InputError(
                f"training broke before step {self.step}: {', '.join(broken)} is NaN or infinite; the newest "
                f"checkpoint from before is {newest[0] if newest else 'none'}; lower train.learning_rate, or set "
                "train.max_gradient_norm or train.precision=fp32"
            )

    def validate(self, journal: Journal) -> bool:
        """Judge the averaged weights; return whether their mel loss is the lowest yet."""
        self.refuse_broken_losses()
        losses = self.validation.losses()
        journal.scalars(self.step, {f"validation/{name}": value for name, value in losses.items()})
        self.validation.speak(journal, self.step)
        better = losses["mel"] < self.best["mel"]
        if better:
            self.best = {"step": self.step, "mel": losses["mel"]}
        return better and self.step > 0

    # ------------------------------------------------------------------------------------------------- the disk

    def save(self, journal: Journal) -> None:
        """Write a checkpoint and the voice as it is now."""
        self.refuse_broken_losses()
        self.seconds = journal.seconds
        folder = self.folder / "checkpoints"
        save_checkpoint(checkpoint_path(folder, self.step), self.state_dict())
        prune_checkpoints(folder, keep=self.config.train.keep_checkpoints, best_step=int(self.best["step"]))
        save_voice(
            self.folder / "voice.safetensors",
            self.average,
            self.config,
            symbols=self.corpus.symbols.to_json(),
            speakers=self.corpus.speakers,
            lexicon=None if self.corpus.lexicon is None else self.corpus.lexicon.to_json(),
            step=self.step,
        )

    def state_dict(self) -> dict[str, Any]:
        """All training state; nothing else is needed to go on bit for bit."""
        return {
            "config": self.config.model_dump(exclude_none=True),
            "symbols": self.corpus.symbols.to_json(),
            "speakers": list(self.corpus.speakers),
            "fingerprint": self.corpus.fingerprint,
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "synthesizer": self.synthesizer.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "synthesizer_optimizer": self.synthesizer_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "means": self.means.state_dict(),
            "random": random_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint of the same settings and the same data."""
        for name in ("synthesizer", "discriminator", "average", "synthesizer_optimizer", "discriminator_optimizer"):
            getattr(self, name).load_state_dict(state[name])
        for group in (*self.synthesizer_optimizer.param_groups, *self.discriminator_optimizer.param_groups):
            group["weight_decay"] = self.config.train.weight_decay
        if state["scaler"]:  # empty unless the run was in fp16
            self.scaler.load_state_dict(state["scaler"])
        self.means.load_state_dict(state["means"], self.device)
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        restore_random_state(state["random"])

    def _optimizer(self, network: nn.Module) -> torch.optim.AdamW:
        train = self.config.train
        return torch.optim.AdamW(
            network.parameters(),
            lr=train.learning_rate,
            betas=(train.adam_beta_1, train.adam_beta_2),
            eps=train.adam_epsilon,
            weight_decay=train.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a second process out of a run folder.

    Raises:
        InputError: another process is training there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", blocking=False):
            yield
    except FileLockTimeout as error:
        raise InputError(f"{folder}: another process is training here; wait for it, or give another run.dir") from error


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network and leave none in it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def start(config: Config) -> Trainer:
    """A Trainer at step 0.

    Raises:
        InputError: the folder holds a run already, or the recordings cannot be used.
    """
    folder = Path(config.run.dir)
    checkpoints = list_checkpoints(folder / "checkpoints")
    if checkpoints:
        raise InputError(
            f"{folder} holds a run at step {int(checkpoints[-1].stem)}: continue it with --resume {folder}, or give "
            "another folder with run.dir=..."
        )
    choose_device(config.run.device)  # refused now, not after the recordings are read
    return Trainer(config, read_corpus(config))


def read_corpus(config: Config, *, symbols: SymbolTable | None = None, speakers: Sequence[str] | None = None) -> Corpus:
    """The corpus of an experiment, from its shards or from its recordings, which are looked at first.

    Args:
        config: the experiment.
        symbols: the alphabet of a voice that exists already.
        speakers: the speakers of a voice that exists already, by id.

    Raises:
        InputError: it cannot be used.
    """
    data, audio = config.data, config.audio
    if data.shards is not None:
        return open_shards(data.shards, data, audio, symbols=symbols, speakers=speakers)
    return load_corpus(prepare_and_tell(data, audio, symbols=symbols), speakers=speakers)


def resume(folder: Path, overrides: Sequence[str]) -> Trainer:
    """A Trainer exactly where the newest checkpoint of a run left off.

    Raises:
        InputError: there is no run, its checkpoint is damaged, or settings or data are not those it was trained with.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such run folder")
    checkpoints = list_checkpoints(folder / "checkpoints")
    if not checkpoints:
        raise InputError(f"{folder}: there is no checkpoint in it to resume from; start the run again without --resume")
    config = load_config(folder / "config.toml", [*overrides, f"run.dir={folder}"])
    path = checkpoints[-1]
    state = load_checkpoint(path)
    changed = differences(parse_config(state["config"], source=str(path)), config, ignore=MAY_CHANGE)
    unfit = [change for change in changed if not change.startswith(MAY_CHANGE_ALOUD)]
    if unfit:
        raise InputError(
            f"{path} was trained with other settings ({'; '.join(unfit)}): put them back, or start a new run with "
            "another run.dir"
        )
    choose_device(config.run.device)
    if changed:
        print(f"from step {state['step']} on with {'; '.join(changed)}")
    symbols = SymbolTable.from_json(state["symbols"])
    corpus = read_corpus(config, symbols=symbols, speakers=state["speakers"])
    if corpus.fingerprint != state["fingerprint"]:
        raise InputError(
            f"{config.data.shards or config.data.root}: the recordings or texts are not those that {path} was trained "
            "on: put them back, or start a new run with another run.dir"
        )
    trainer = Trainer(config, corpus)
    try:
        trainer.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: does not fit this version of the program: {error}") from error
    return trainer


@command
def main() -> int:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description="Make a voice from a folder of recordings.")
    parser.add_argument("settings", nargs="*", help="an experiment (configs/NAME.toml), then section.key=value ...")
    parser.add_argument("--resume", metavar="RUN", type=Path, help="continue this run folder exactly where it stopped")
    arguments = parser.parse_args()
    if arguments.resume is not None:
        return run(resume(arguments.resume, arguments.settings))
    if not arguments.settings or "=" in arguments.settings[0]:
        raise InputError("which experiment? Give a settings file, such as configs/ljspeech.toml, or --resume RUN")
    return run(start(load_config(arguments.settings[0], arguments.settings[1:])))


def run(trainer: Trainer) -> int:
    """Train to the end or to a signal, say what there is, and return the exit code."""
    if trainer.step >= trainer.total_steps:
        print(f"{trainer.folder} is at step {trainer.step} of {trainer.total_steps}: raise train.steps to train on")
        return 0
    with listening_for_stop() as stop:
        try:
            trainer.train(stop)
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{trainer.device} has no room for train.batch_size = {trainer.config.train.batch_size}: lower it, or "
                "train.segment_samples"
            ) from error
    finished = trainer.step == trainer.total_steps
    print(f"{'finished' if finished else 'stopped and saved'} at step {trainer.step} of {trainer.total_steps}")
    print(f"voice        {trainer.folder / 'voice.safetensors'}")
    print(f"checkpoint   {checkpoint_path(trainer.folder / 'checkpoints', trainer.step)}")
    print(f"TensorBoard  tensorboard --logdir {trainer.folder}")
    if not finished:
        print(f"continue     python train.py --resume {trainer.folder}")
        return 128 + (stop.signal_number or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
