"""A stopped run that goes on: with which settings, from which state, and on which recordings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from configs import Config, InputError, differences, load_config, parse_config, with_architecture
from data.corpus import Corpus
from data.opening import open_corpus
from models.finite_weights import first_not_finite, tensors_in
from text import SymbolTable
from training.frozen import FrozenNetworks
from voices.checkpoint import content_of_checkpoint, list_checkpoints, load_checkpoint

# What may differ when a run is resumed, because the checkpoint fits all the same: where and how long it runs, what it
# reports, how the voice synthesizes, and how the optimizers step. Of the last, a change is announced.
MAY_CHANGE = (
    *("run.dir", "run.device", "run.threads"),
    *("data.root", "data.format", "data.columns", "data.cache", "data.lexicon", "data.strict", "data.hold"),
    "data.shards",
    *("train.steps", "train.epochs", "train.patience", "train.hours"),
    *("train.report_every", "train.validate_every", "train.checkpoint_every"),
    *("train.keep_checkpoints", "train.spoken_sentences", "train.histograms", "train.execution"),
    *("train.asr", "train.asr_every"),
    *("speaking.noise_scale", "speaking.duration_noise_scale", "speaking.speed", "speaking.pause_seconds"),
    "speaking.longest_silence_seconds",
)
MAY_CHANGE_ANNOUNCED = {
    *("train.learning_rate", "train.learning_rate_decay", "train.learning_rate_decay_steps"),
    *("train.learning_rate_decay_clips", "train.warmup_steps", "train.weight_decay"),
    *("train.max_gradient_norm", "train.precision", "train.ema_decay"),
    *("train.accumulate", "train.learning_rates", "train.freeze"),
}
# What the weights are made for: nothing but a new run can have it otherwise.
_OF_THE_WEIGHTS = ("audio.", "model.", "decoder.", "discriminator.", "data.language", "data.front_end")


@dataclass(frozen=True)
class Stopped:
    """A run that can go on."""

    config: Config  # the settings to go on with
    checkpoint: Path
    state: dict[str, Any]  # what the checkpoint holds
    changed: tuple[str, ...] = ()  # settings that are not those it was trained with, and are announced
    is_another: bool = False  # whether from here on it is another run, with the same weights

    def open_corpus(self, *, accept_changes: bool, verbose: bool) -> tuple["Stopped", Corpus]:
        """The recordings to go on with.

        Args:
            accept_changes: whether they may be others than those it was trained on; it is another run then.
            verbose: whether to print what was found in them.

        Raises:
            InputError: they cannot be used, or are others.
        """
        config, state = self.config, self.state
        with content_of_checkpoint(self.checkpoint):
            symbols, speakers, fingerprint = (state[name] for name in ("symbols", "speakers", "fingerprint"))
            symbols = SymbolTable.from_json(symbols)
        corpus = open_corpus(
            config.data, config.audio, verbose=verbose, symbols=symbols, speakers=speakers, fingerprint=fingerprint
        )
        if corpus.fingerprint == fingerprint:
            return self, corpus
        if not accept_changes:
            raise InputError(
                f"{config.data.shards or config.data.root}: the recordings or texts are not those that "
                f"{self.checkpoint} was trained on: put them back, go on with these as another run (--changed), or "
                "start a new run with another run.dir"
            )
        return replace(self, changed=(*self.changed, "other recordings or texts"), is_another=True), corpus

    def refuse_not_finite(self) -> None:
        """Refuse weights that are NaN or infinite.

        Raises:
            InputError: there are some.
        """
        networks = {name: self.state.get(name) for name in ("synthesizer", "discriminator", "average")}
        broken = first_not_finite(tensors_in(networks))
        if broken is not None:
            raise InputError(f"{self.checkpoint}: {broken} is NaN or infinite: delete it to go on from an older one")

    def frozen_networks(self) -> FrozenNetworks | None:
        """Those that losses look through; None where another run makes its own.

        Raises:
            InputError: a network of the user's has other weights now, or those in the checkpoint do not fit.
        """
        if self.is_another:
            return None
        with content_of_checkpoint(self.checkpoint):
            return FrozenNetworks.of_checkpoint(self.state.get("frozen", {}), self.config)

    def announcement(self) -> str:
        """What is not as it was, in a sentence; empty where all is."""
        if not self.changed:
            return ""
        sentence = f"from step {self.state['step']} on with {'; '.join(self.changed)}"
        if self.is_another:
            sentence += (
                ": this is another run from here on, with the same weights, EMA, optimizers and steps; it begins "
                "a new epoch, and is not the run to the bit that would have gone on unchanged"
            )
        return sentence


def read_stopped(
    folder: Path,
    overrides: Sequence[str],
    *,
    processes: int,
    accept_changes: bool = False,
    settings: Config | None = None,
) -> Stopped:
    """Read a run's newest checkpoint, and with which settings it goes on.

    Args:
        folder: the run's.
        overrides: `section.key=value` lines for what is to be otherwise from here on.
        processes: how many are to train.
        accept_changes: whether batches, losses and the number of processes may change; it is another run then.
        settings: those to go on with, in the place of those in the folder.

    Raises:
        InputError: there is no run, its checkpoint is damaged, or it does not fit the settings or the processes.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such run folder")
    checkpoints = list_checkpoints(folder / "checkpoints")
    if not checkpoints:
        raise InputError(f"{folder}: there is no checkpoint in it to resume from; start the run again without --resume")
    path = checkpoints[-1]
    config = settings or load_config(folder / "config.toml", [*overrides, f"run.dir={folder}"])
    state = load_checkpoint(path)
    if "ranks" not in state:
        raise InputError(f"{path}: was written by an older version of the program: go on with that, or start a new run")
    with content_of_checkpoint(path):
        trained = parse_config(state["config"], source=str(path))
    if config.run.architecture == "voice":  # in the command that began the run; its settings have the architecture
        config = with_architecture(config, trained, source=str(path))
    if settings is not None and settings.train.asked_batch_size == "auto":
        config = config.with_batch_size(trained.train.batch_size)  # which memory decided when it began
    changed = differences(trained, config, ignore=MAY_CHANGE)
    others = [change for change in changed if change.partition(":")[0] not in MAY_CHANGE_ANNOUNCED]
    unfit = [change for change in others if change.startswith(_OF_THE_WEIGHTS)]
    if unfit or (others and not accept_changes):
        advice = f" or start a new run with another run.dir, which --warm-start {folder} gives what fits of the weights"
        if not unfit:
            advice = ", go on as another run with --changed, or start a new run with another run.dir"
        raise InputError(
            f"{path} was trained with other settings ({'; '.join(unfit or others)}): put them back{advice}"
        )
    trained_by = len(state["ranks"])
    if trained_by != processes:
        if not accept_changes:
            raise InputError(
                f"{path} was trained by {trained_by} processes, and these are {processes}: start as many again "
                f"(torchrun --nproc-per-node {trained_by} train.py --resume {folder}), go on as another run with "
                "--changed, or start a new run"
            )
        others.append("processes")
        changed.append(f"processes: {trained_by} -> {processes}")
    return Stopped(config, path, state, tuple(changed), bool(others))
