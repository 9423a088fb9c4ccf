"""A run stops after any of its steps and goes on, alone or with another number of processes."""

import shutil
from pathlib import Path

from configs import InputError, load_config
from tests.faults.fault import Outcome, fault
from tests.faults.tiny_runs import differing, lasting, tiny_corpus
from train import resume, start
from training.interruption import StopRequest
from training.ranks import Ranks
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint


@fault(
    "stop and resume at any step, on a CPU",
    goal="weights, optimizers and generators bit-equal to the run that never stopped",
    times=30,
    times_in_ci=2,
    slow=True,
)
def resumed_at_any_step(times: int, folder: Path) -> Outcome:
    """Go on from each checkpoint of one run, and compare the ends."""
    steps = times + 1
    settings = [*tiny_corpus(folder), f"train.steps={steps}", "train.checkpoint_every=1", "train.keep_checkpoints=100"]
    run = folder / "whole"
    start(load_config(settings[0], [*settings[1:], f"run.dir={run}"])).train(StopRequest())
    whole = lasting(load_checkpoint(checkpoint_path(run / "checkpoints", steps)))
    failures = []
    for step in range(1, steps):
        parts = folder / str(step)
        (parts / "checkpoints").mkdir(parents=True)
        shutil.copy(run / "config.toml", parts)
        shutil.copy(checkpoint_path(run / "checkpoints", step), parts / "checkpoints")
        resume(parts, ["train.checkpoint_every=1000"]).train(StopRequest())
        state = lasting(load_checkpoint(list_checkpoints(parts / "checkpoints")[-1]))
        failures += [f"from step {step}: {each}" for each in differing(whole, state)[:3]]
        shutil.rmtree(parts)
    differ = len({each.partition(":")[0] for each in failures})
    return Outcome(f"{times - differ} of {times} bit-equal", failures)


@fault(
    "a changed number of processes",
    goal="refused with a sentence, or a new epoch where --changed asks for it; never silent",
    times=8,
    times_in_ci=2,
    slow=True,
)
def changed_processes(times: int, folder: Path) -> Outcome:
    """Let 2, 3, ... processes go on with the run of one."""
    settings = [*tiny_corpus(folder), "train.steps=2", f"run.dir={folder / 'run'}"]
    start(load_config(settings[0], settings[1:])).train(StopRequest())
    failures = []
    for count in range(2, times + 2):
        try:
            resume(folder / "run", [], Ranks(count - 1, count))
            failures.append(f"{count} processes are not refused")
        except InputError as error:
            if f"was trained by 1 processes, and these are {count}" not in str(error):
                failures.append(f"{count} processes: {error}")
        trainer = resume(folder / "run", [], Ranks(count - 1, count), accept_changes=True)
        if (trainer.step, trainer.epochs.first_step, trainer.epochs.first_epoch) != (2, 2, 1):
            failures.append(f"{count} processes go on at {trainer.step} with {trainer.epochs}")
    return Outcome(f"{times - len(failures)} of {times} refused, and with --changed begun anew", failures)
