"""A step whose gradients were not finite, made again in float32 to find the operation where it began."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from configs import Config, InputError
from data.corpus import Corpus
from data.opening import open_corpus
from training.broken_steps import BrokenStep, read_record
from training.loop import TrainingLoop
from training.not_finite_operation import NotFiniteError, refusing_not_finite
from training.random_state import restore_noise
from training.ranks import Ranks
from training.resumption import Stopped
from voices.checkpoint import list_checkpoints, load_checkpoint


def replay(trainer: TrainingLoop, record: BrokenStep, *, exactly: bool) -> str:
    """Run a recorded step again; return in a sentence the first operation whose result is not finite.

    Args:
        trainer: at a step before it, or, where no such step is left, behind it.
        record: of the step.
        exactly: whether the trainer goes on to the step first, so that the weights are those of the step.

    Raises:
        InputError: the batch of the step is another one now.
    """
    if not exactly:
        trainer.step = record.step - 1  # the place in the data, with the weights that there are
    trainer.initial_alignment.fit(trainer.step, trainer.batch)
    with closing(trainer.batches()) as batches:
        missing = record.step - 1 - trainer.step
        for batch in tqdm(batches, total=missing, unit="step", disable=None if missing else True, leave=False):
            if trainer.step == record.step - 1:
                break
            trainer.run_step(batch)
            trainer.step += 1
    if batch.ids != record.ids:
        raise InputError(
            f"step {record.step} was made on {', '.join(record.ids)}, and would now be made on {', '.join(batch.ids)}: "
            "put the recordings and settings of the run back"
        )
    trainer.compute_in_float32()
    try:
        restore_noise(list(record.noise), trainer.device)
    except (LookupError, RuntimeError, TypeError) as error:
        raise InputError(f"the random state of step {record.step} is none of {trainer.device}: {error}") from error
    try:
        with refusing_not_finite({"synthesizer": trainer.synthesizer, "discriminator": trainer.discriminator}):
            report = trainer.run_step(batch)
    except NotFiniteError as error:
        return str(error)
    told = ", ".join(f"{float(norm):.3g} ({name})" for name, norm in report.gradient_norms.items())
    precision = trainer.config.train.precision
    return f"every result is finite in float32, and the norms of the gradients are {told}" + (
        "" if precision == "fp32" else f": train.precision = {precision} made the difference"
    )


def replay_recorded(
    folder: Path,
    step: int,
    ranks: Ranks,
    *,
    build: Callable[[Config, Corpus, Ranks], TrainingLoop],
    resumed: Callable[[Stopped, Corpus, Ranks], TrainingLoop],
) -> str:
    """Make a step of a run again whose gradients were not finite; return what was found, in a few lines.

    Args:
        folder: of the run.
        step: its number; the first one is 1.
        ranks: the processes that replay it together.
        build: makes a Trainer at step 0.
        resumed: makes a Trainer with the state of a checkpoint.

    Raises:
        InputError: the step was not recorded, or there are no weights or recordings to make it again with.
    """
    record = read_record(folder, step, rank=ranks.rank, ranks=ranks.count)
    checkpoints = list_checkpoints(folder / "checkpoints")
    before = [path for path in checkpoints if int(path.stem) < step]
    exactly = bool(before) or record.from_seed
    if not checkpoints and not exactly:
        raise InputError(f"{folder}: there is no checkpoint in it to replay step {step} with")
    config = record.config
    if before or not exactly:
        path = before[-1] if before else checkpoints[0]
        stopped = Stopped(config, path, load_checkpoint(path))
        stopped, corpus = stopped.open_corpus(accept_changes=False, verbose=ranks.is_first)
        trainer, weights = resumed(stopped, corpus, ranks), f"those of {path}"
    else:
        trainer = build(config, open_corpus(config.data, config.audio, verbose=ranks.is_first), ranks)
        weights = "those of the seed"
    if not exactly:
        weights += ", for there are none of a step before"
    found = replay(trainer, record.broken, exactly=exactly)
    norms = ", ".join(f"{norm:g} ({network})" for network, norm in record.broken.gradient_norms.items())
    return "\n".join(
        (
            f"step         {step}, of which the norms of the gradients were {norms}",
            f"recordings   {', '.join(record.broken.ids)}",
            f"weights      {weights}",
            f"in float32   {found}",
        )
    )
