"""The folder of a run: that one process trains in it, and what training writes into it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs import Config, InputError, dump_config
from configs.atomic_file import replacing
from configs.folder_lock import alone_in
from data.corpus import Corpus
from models.synthesizer import Synthesizer
from monitoring.best import Best
from training.broken_steps import newest_record
from training.ema import make_ema
from voices.checkpoint import (
    checkpoint_path,
    content_of_checkpoint,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from voices.voice_file import load_voice, save_voice

NEWEST, BEST = "voice.safetensors", "best.safetensors"


class RunFolder:
    """What training writes beside its metrics: settings, checkpoints, the newest voice and the best one.

    A voice belongs to a checkpoint, which is written first. Where a process was killed between the two, the voice is
    written again from the checkpoint.

    Args:
        path: the folder; changed where it is found to have been moved.
        config: the experiment.
        corpus: its recordings.
    """

    def __init__(self, path: Path, config: Config, corpus: Corpus) -> None:
        self.path, self.config, self.corpus = path, config, corpus
        self.origin: str | None = None  # of the voice that the run began with

    @contextmanager
    def locked(self, *, step: int) -> Iterator[None]:
        """Keep other processes out, and refuse a folder in which another has trained meanwhile.

        Args:
            step: where training is to go on, as the folder said before it was locked.

        Raises:
            InputError: another process is training there, or did so since, or the folder cannot be written.
        """
        busy, advice = "training here; wait for it, or give another run.dir", "give another run.dir"
        with alone_in(self.path, lock=".lock", busy=busy, advice=advice):
            newest = newest_step(self.path)
            if newest > step:
                raise InputError(
                    f"{self.path}: another process has trained here to step {newest} while this one made ready to go "
                    f"on from step {step}: continue with --resume {self.path}, or give another run.dir"
                )
            save_config(self.path, self.config)
            yield

    def save(
        self,
        state: dict[str, Any],
        average: Synthesizer,
        best: Synthesizer | None,
        *,
        best_step: int,
        fault: InputError | None = None,
    ) -> None:
        """Write a checkpoint and the voice of its EMA weights; delete checkpoints that are not to be kept.

        Args:
            state: all training state.
            average: the EMA weights.
            best: weights that are to be the best voice from now on; None where that stays.
            best_step: the step of the best voice.
            fault: why metrics cannot be written any more: then this is the last thing that the run does.

        Raises:
            InputError: the disk is full or the folder is read-only; or there is a fault, and where the run is then.
        """
        step, checkpoints = state["step"], self.path / "checkpoints"
        try:
            save_checkpoint(checkpoint_path(checkpoints, step), state)
            self.save_voice(self.path / NEWEST, average, step=step)
            if best is not None:
                self.save_voice(self.path / BEST, best, step=step)
            if fault is not None:
                save_config(self.path, self.config)  # in a folder that was deleted there is none
        except InputError as error:
            told = str(error) if fault is None else f"{fault}, and {error}"
            place = save_elsewhere(self.path.name, state, self.config)
            if place is not None:
                told += f"; the run is saved at step {step} in {place}: see that there is room in {self.path},"
                told += f" and continue with python train.py --resume {place}, or move its checkpoint there"
            raise InputError(told) from error
        keep, replayed = self.config.train.keep_checkpoints, newest_record(self.path)
        prune_checkpoints(checkpoints, keep=keep, best_step=best_step, replayed_step=replayed)
        if fault is not None:
            raise InputError(
                f"{fault}; the run is saved at step {step}: continue with python train.py --resume {self.path}"
            ) from fault

    def restore(self, *, step: int, average: Synthesizer, best: Best) -> Best:
        """Write again what a killed process had not written yet, or what was damaged or deleted since.

        Args:
            step: of the newest checkpoint; 0 where there is none.
            average: its EMA weights.
            best: the best voice until then, as that checkpoint says.

        Returns:
            The same; or that no voice is the best, where neither the best voice is there nor the checkpoint of its
            step.

        Raises:
            InputError: the disk is full or the folder is read-only.
        """
        if step and not _is_voice(self.path / NEWEST, step):
            self.save_voice(self.path / NEWEST, average, step=step)
        if not best.step or _is_voice(self.path / BEST, best.step):
            return best
        try:
            state = load_checkpoint(checkpoint_path(self.path / "checkpoints", best.step))
        except InputError:
            print(
                f"{self.path / BEST} of step {best.step} is gone, and so is its checkpoint: the best is looked for anew"
            )
            return Best()
        synthesizer = make_ema(average)
        with content_of_checkpoint(checkpoint_path(self.path / "checkpoints", best.step)):
            synthesizer.load_state_dict(state["average" if best.weights == "averaged" else "synthesizer"])
        self.save_voice(self.path / BEST, synthesizer, step=best.step)
        return best

    def summary(self, step: int, total_steps: int, best: Best, *, finished: bool) -> str:
        """What there is after training, in a few lines."""
        if not step:
            return "stopped before the first step: there is nothing to save"
        lines = [
            f"{'finished' if finished else 'stopped and saved'} at step {step} of {total_steps}",
            f"voice        {self.path / NEWEST}",
            f"checkpoint   {checkpoint_path(self.path / 'checkpoints', step)}",
            f"curves       python -m monitoring {self.path}",
            f"TensorBoard  tensorboard --logdir {self.path}",
        ]
        if best.step:
            lines.insert(2, f"best voice   {self.path / BEST} (step {best.step})")
        if not finished:
            lines.append(f"continue     python train.py --resume {self.path}")
        return "\n".join(lines)

    def save_voice(self, path: Path, synthesizer: Synthesizer, *, step: int) -> None:
        """Write the weights of a step as a voice."""
        corpus = self.corpus
        lexicon = None if corpus.lexicon is None else corpus.lexicon.to_json()
        symbols, speakers, origin = corpus.symbols.to_json(), corpus.speakers, self.origin
        save_voice(
            path,
            synthesizer,
            self.config,
            symbols=symbols,
            speakers=speakers,
            lexicon=lexicon,
            step=step,
            origin=origin,
        )


def _is_voice(path: Path, step: int) -> bool:
    """Whether a file is a voice, undamaged, with the weights of this step."""
    try:
        return load_voice(path).step == step
    except InputError:
        return False


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint of a run; 0 where there is none."""
    checkpoints = list_checkpoints(folder / "checkpoints")
    return int(checkpoints[-1].stem) if checkpoints else 0


def refuse_begun(folder: Path) -> None:
    """Refuse to begin where a run was begun already.

    Raises:
        InputError: the folder holds a checkpoint.
    """
    if list_checkpoints(folder / "checkpoints"):
        raise InputError(
            f"{folder} holds a run at step {newest_step(folder)}: continue it with --resume {folder}, or give another "
            "folder with run.dir=..."
        )


def save_config(folder: Path, config: Config) -> None:
    """Write the resolved settings of a run.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    with replacing(folder / "config.toml") as file:
        file.write(dump_config(config).encode())


def save_elsewhere(name: str, state: dict[str, Any], config: Config) -> Path | None:
    """Save a run that its own folder has no room for in the folder for temporary files.

    Args:
        name: of the run.
        state: of the training.
        config: its settings.

    Returns:
        A folder that the run can be resumed from; None where it cannot be written either.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    except OSError:
        return None
    try:
        save_config(folder, config)
        save_checkpoint(checkpoint_path(folder / "checkpoints", state["step"]), state)
    except InputError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return folder
