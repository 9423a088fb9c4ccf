"""The runs of a study, each trained by a process of train.py, several at once where that was asked for.

A run is an ordinary one: the command that trains it stands at the beginning of its log, and may be given by hand.
"""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from configs import InputError
from evaluation.objectives.arm import Budget, PlannedRun
from evaluation.objectives.outcome import Cost, Outcome, read_cost, read_outcome, write_outcome
from evaluation.output import counted
from monitoring.page.figures import duration
from training.broken_steps import diverged_before
from training.run_folder import newest_step

try:
    import fcntl
except ImportError:  # Windows, where nobody waits for the runs of a study that was killed
    fcntl = None  # type: ignore[assignment]

_TRAIN = Path(__file__).resolve().parents[2] / "train.py"
_LOOK_EVERY = 0.5  # seconds
_SIGNALLED = 128  # exit codes above it are those of a run that was asked to stop


@dataclass(frozen=True)
class _Process:
    """A run that is being trained."""

    run: PlannedRun
    process: "subprocess.Popen[bytes]"
    log: Path


def train_runs(
    runs: Sequence[PlannedRun], budget: Budget, *, output: Path, jobs: int = 1, on_gpu: bool = False
) -> dict[PlannedRun, Outcome]:
    """Train every run that has not ended yet.

    Args:
        runs: of the study.
        budget: of each.
        output: folder of the study.
        jobs: processes at once.
        on_gpu: whether a budget of seconds is one of the GPU, and not of the processor.

    Raises:
        InputError: a run ended for another reason than divergence, or the folder cannot be written.
    """
    for run in runs:
        if budget.steps is not None and newest_step(run.folder) > budget.steps:
            raise InputError(
                f"{run.folder} is at step {newest_step(run.folder)}, beyond --steps {budget.steps}: "
                "give more steps, or another folder with -o"
            )
    with _alone_in(output) as lock, contextlib.closing(_Trainers(runs, budget, output, on_gpu, lock)) as trainers:
        return trainers.train(jobs)


class _Trainers:
    """The processes of a study; closing it stops them, each after saving its run.

    Args: those of `train_runs`, and the file that they keep locked as long as one of them is there.
    """

    def __init__(
        self, runs: Sequence[PlannedRun], budget: Budget, output: Path, on_gpu: bool, lock: IO[bytes] | None
    ) -> None:
        self.budget, self.output, self.on_gpu, self.lock = budget, output, on_gpu, lock
        ended = {run: read_outcome(run, budget) for run in runs}
        self.outcomes = {run: outcome for run, outcome in ended.items() if outcome is not None}
        self.waiting = [run for run in runs if run not in self.outcomes]
        self.count = len(runs)
        self.processes: list[_Process] = []
        self.spent = dict.fromkeys(runs, 0.0)

    def train(self, jobs: int) -> dict[PlannedRun, Outcome]:
        """Train to the end, with a bar of what is done of the budget of all runs."""
        if self.waiting and self.outcomes:
            print(f"{counted(len(self.outcomes), 'run')} of {self.count} had ended before", flush=True)
        began = time.monotonic()
        total = (self.budget.steps or self.budget.seconds or 0) * len(self.waiting)
        bar: tqdm[Any] = tqdm(
            total=total,
            unit="step" if self.budget.steps else "s",
            unit_scale=not self.budget.steps,
            disable=None,
            dynamic_ncols=True,
        )
        before = sum(self._spent(read_cost(run)) for run in self.waiting)
        bar.initial = bar.n = before
        with bar:
            while self.waiting or self.processes:
                while self.waiting and len(self.processes) < jobs:
                    self.processes.append(self._start(self.waiting.pop(0)))
                for one in list(self.processes):
                    self._look_at(one)
                    if one.run in self.outcomes:
                        self._tell(one.run, bar, time.monotonic() - began, before)
                bar.n = min(sum(self.spent.values()), total)
                bar.set_postfix_str(", ".join(one.run.name for one in self.processes), refresh=True)
                time.sleep(_LOOK_EVERY)
        return self.outcomes

    def close(self) -> None:
        """Ask every process to stop after its step, and wait until it has saved its run."""
        for one in self.processes:
            one.process.terminate()
        for one in self.processes:
            one.process.wait()
        self.processes = []

    def _start(self, run: PlannedRun) -> _Process:
        log = self.output / "logs" / f"{run.folder.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(_TRAIN), str(run.settings), *run.overrides, "--or-resume"]
        threads = run.config.run.threads
        environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
        with log.open("ab") as file:
            file.write(f"$ {shlex.join(command)}\n".encode("utf-8", "backslashreplace"))
            file.flush()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches the study, which stops them
                pass_fds=() if self.lock is None else (self.lock.fileno(),),
            )
        return _Process(run, process, log)

    def _spent(self, cost: Cost) -> float:
        """The part of its budget that a run has had."""
        if self.budget.steps is not None:
            return cost.steps
        return cost.seconds if self.on_gpu else cost.processor_seconds

    def _look_at(self, one: _Process) -> None:
        """Take notice of the end of a run, or end it where its budget is spent."""
        code = one.process.poll()
        cost = read_cost(one.run)
        self.spent[one.run] = self._spent(cost)
        seconds = self.budget.seconds
        if code is None:
            if seconds is not None and self.spent[one.run] >= seconds:
                one.process.terminate()
                code = one.process.wait()
            else:
                return
        self.processes.remove(one)
        step = newest_step(one.run.folder)
        if code == 0 or (seconds is not None and code > _SIGNALLED and self.spent[one.run] >= seconds):
            outcome = Outcome("finished", step, "", self.budget)
        else:
            why = _last_error(one.log)
            diverged = diverged_before(why)
            if diverged is None:
                raise InputError(f"{one.run.name}: {why or f'ended with exit code {code}'} (all it said: {one.log})")
            outcome = Outcome("diverged", diverged, why, self.budget)
        write_outcome(one.run, outcome)
        self.outcomes[one.run] = outcome

    def _tell(self, run: PlannedRun, bar: "tqdm[Any]", elapsed: float, before: float) -> None:
        """Say how a run ended, and how long the others will take at the pace until now."""
        outcome, cost = self.outcomes[run], read_cost(run)
        done = sum(self.spent.values()) - before
        unfinished = [*self.waiting, *(one.run for one in self.processes)]
        left = (self.budget.steps or self.budget.seconds or 0) * len(unfinished)
        left -= sum(self.spent[other] for other in unfinished)
        remaining = f", about {duration(elapsed * left / done)} left" if done > 0 and left > 0 else ""
        told = outcome.why if outcome.ended == "diverged" else f"step {outcome.step}"
        bar.write(
            f"{run.name}: {told}; {cost.processor_seconds:.0f} processor seconds "
            f"({len(self.outcomes)} of {self.count} runs{remaining})"
        )
        sys.stdout.flush()


def _last_error(log: Path) -> str:
    """The sentence that a command ended with; empty where there is none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    own = lines[max((place for place, line in enumerate(lines) if line.startswith("$ ")), default=0) :]
    return next((line.removeprefix("error: ") for line in reversed(own) if line.startswith("error: ")), "")


@contextlib.contextmanager
def _alone_in(output: Path) -> Iterator[IO[bytes] | None]:
    """Wait until no other study, and no run that one has left behind, is at work in this folder.

    The runs inherit the lock: where a study is killed, the next one waits until they have ended.
    """
    output.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield None
        return
    with (output / ".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another study, or a run that one began, is at work in {output}: waiting for its end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
