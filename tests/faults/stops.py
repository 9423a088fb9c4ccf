"""A run is asked to stop at any moment: by Ctrl-C, by SIGTERM, by a terminal that is closed."""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import torch

import train
from configs import load_config
from tests.faults.fault import Outcome, fault
from tests.faults.tiny_runs import PRELOADED, differing, lasting, tiny_corpus
from training.interruption import StopRequest
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint

_STEPS = 6
_LIMIT_SECONDS = 30


def train_in_child(arguments: list[str], ready: Connection) -> None:
    """Run train.py in this process, which the caller sends a signal to; it ends with the command's exit code."""
    torch.set_num_threads(1)
    sys.argv = ["train.py", *arguments]
    log = os.open(f"{arguments[-1].partition('=')[2]}.log", os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    begin = train.Trainer.train

    def tell(trainer: train.Trainer, stop: StopRequest) -> None:
        ready.send("trains")
        begin(trainer, stop)

    train.Trainer.train = tell  # type: ignore[method-assign, assignment]
    code = train.main()
    sys.stdout.flush()
    os._exit(code)


@fault(
    "SIGTERM, SIGINT or SIGHUP at any moment of training, the first validation included",
    goal="ends within 30 s with a checkpoint; resumed, it is bit-equal to the run that never stopped",
    times=100,
    times_in_ci=2,
    slow=True,
)
def signals(times: int, folder: Path) -> Outcome:
    """Stop runs at random moments, resume them, and compare with a run that never stopped."""
    settings = [*tiny_corpus(folder), f"train.steps={_STEPS}", "train.validate_every=2"]
    started = time.monotonic()
    train.start(load_config(settings[0], [*settings[1:], f"run.dir={folder / 'whole'}"])).train(StopRequest())
    whole_seconds = time.monotonic() - started
    whole = lasting(load_checkpoint(checkpoint_path(folder / "whole" / "checkpoints", _STEPS)))
    lines = _lines(folder / "whole")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(PRELOADED)
    chance, failures, longest, stopped = random.Random(3), list[str](), 0.0, 0
    for number in range(times):
        run = folder / str(number)
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=train_in_child, args=([*settings, f"run.dir={run}"], theirs))
        process.start()
        theirs.close()
        ours.recv()
        time.sleep(chance.uniform(0, whole_seconds))
        sent = chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        asked = time.monotonic()
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, sent)
        process.join(10 * _LIMIT_SECONDS)
        seconds = time.monotonic() - asked
        longest = max(longest, seconds)
        if process.is_alive():
            process.kill()
        if process.exitcode == 0:
            continue  # it had come to its end before
        stopped += 1
        name = f"run {number} (signal {sent})"
        if process.exitcode != 128 + sent or seconds > _LIMIT_SECONDS:
            said = run.with_name(f"{number}.log").read_text(errors="replace")[-1500:]
            failures.append(f"{name}: exit code {process.exitcode} after {seconds:.0f} s: {said}")
            continue
        begun = bool(list_checkpoints(run / "checkpoints"))
        config = load_config(settings[0], [*settings[1:], f"run.dir={run}"])
        (train.resume(run, []) if begun else train.start(config)).train(StopRequest())
        state = lasting(load_checkpoint(checkpoint_path(run / "checkpoints", _STEPS)))
        failures += [f"{name}: {each}" for each in differing(whole, state)[:3]]
        if _lines(run) != lines:
            failures.append(f"{name}: its metrics are others")
    figures = f"{stopped - len({each.partition(':')[0] for each in failures})} of {stopped} bit-equal"
    return Outcome(f"{figures} ({times - stopped} had ended before), at most {longest:.1f} s", failures)


def _lines(run: Path) -> list[dict[str, float]]:
    """metrics.jsonl without what depends on the clock."""
    read = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [
        {key: value for key, value in line.items() if "seconds" not in key and not key.startswith("time/")}
        for line in read
    ]
