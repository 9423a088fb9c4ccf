"""A process is killed while it writes checkpoints."""

import multiprocessing
import random
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from configs import InputError
from tests.faults.fault import Outcome, fault
from tests.faults.tiny_runs import PRELOADED
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint, prune_checkpoints, save_checkpoint

_LONGEST_SECONDS = 0.15  # from the first save of a process to its end: several saves


def save_for_ever(folder: Path, step: int, saved: Connection) -> None:
    """Save one checkpoint after another, and tell of each when it is on disk."""
    torch.set_num_threads(1)
    while True:
        step += 1
        save_checkpoint(checkpoint_path(folder, step), {"step": step, "weights": torch.full((500_000,), float(step))})
        saved.send(step)
        prune_checkpoints(folder, keep=2, best_step=None)


@fault(
    "kill -9 during a checkpoint write",
    goal="0 unreadable, 0 steps lost, no temporary file left after the next save",
    times=1000,
    times_in_ci=5,
    slow=True,
)
def killed_saves(times: int, folder: Path) -> Outcome:
    """Kill a process at a random moment, look at what it left, and go on from there."""
    # A server that has torch loaded forks: a process more takes milliseconds.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(PRELOADED)
    chance = random.Random(1)
    failures, step, cut = [], 0, 0
    for _ in range(times):
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=save_for_ever, args=(folder, step, theirs))
        process.start()
        theirs.close()
        told = ours.recv()
        process.join(chance.uniform(0, _LONGEST_SECONDS))
        process.kill()
        process.join()
        while ours.poll():
            try:
                told = ours.recv()
            except EOFError:
                break
        ours.close()
        names = {path.name for path in folder.iterdir()}
        cut += any(not name.endswith(".pt") for name in names)
        step = int(list_checkpoints(folder)[-1].stem)
        if step < told:
            failures.append(f"step {told} was saved, and the newest checkpoint is of step {step}")
        for path in list_checkpoints(folder):
            try:
                state = load_checkpoint(path)
            except InputError as error:
                failures.append(f"unreadable: {error}")
                continue
            if not bool((state["weights"] == int(path.stem)).all()):
                failures.append(f"{path} holds the weights of another step")
    save_checkpoint(checkpoint_path(folder, step + 1), {"step": step + 1})
    left = [path.name for path in folder.iterdir() if not path.name.endswith(".pt")]
    failures += [f"left after the next save: {name}" for name in left]
    lost = sum("is of step" in failure for failure in failures)
    unreadable = len(failures) - lost - len(left)
    return Outcome(f"{unreadable} unreadable, {lost} lost, {cut} killed in a write, {len(left)} files left", failures)
