"""One of two processes that train together is killed, again and again."""

import contextlib
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

from tests.faults.fault import Outcome, fault
from tests.faults.tiny_runs import HOUSE, differing, lasting, tiny_corpus
from tests.forked_python import forked_python
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint

_PATIENCE_SECONDS = 600  # beside other work; a run that hangs makes no step for ever
_LONGEST_JOINING_SECONDS = 5  # of processes that need not import anything


def torchrun(environment: dict[str, str], restarts: int, settings: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """Train with two processes, which are started again so many times."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        environment["PYTHON_EXEC"],
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--max-restarts",
        str(restarts),
    ]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(port), "train.py", *settings]
    with log.open("wb") as file:
        return subprocess.Popen(command, cwd=HOUSE, env=environment, stdout=file, stderr=subprocess.STDOUT)


@fault(
    "a rank killed under torchrun --max-restarts, in training and while the ranks join",
    goal="the start command goes on each time, no hang, weights bit-equal to the run that was never killed",
    times=20,
    times_in_ci=1,
    slow=True,
)
def killed_ranks(times: int, folder: Path) -> Outcome:
    """Kill a rank after a step or at any moment of a start, and let the last start come to the end."""
    with forked_python(folder / "bin") as environment:
        return _kill(times, folder, environment)


def _kill(times: int, folder: Path, environment: dict[str, str]) -> Outcome:
    steps = 3 * times + (9 if times > 1 else 2)  # a start that is killed at any moment comes to some
    settings = [*tiny_corpus(folder), f"train.steps={steps}", "train.checkpoint_every=1", "train.keep_checkpoints=2"]
    log, run = folder / "log", folder / "killed"
    whole = torchrun(environment, 0, [*settings, f"run.dir={folder / 'whole'}"], folder / "whole.log")
    if whole.wait(_PATIENCE_SECONDS):
        return Outcome("no run to compare with", [(folder / "whole.log").read_text()[-2000:]])
    process, chance, kills = torchrun(environment, times, [*settings, f"run.dir={run}"], log), random.Random(2), 0
    before: set[int] = set()  # processes of earlier starts
    try:
        for number in range(times):
            seen = _step(run)
            ranks = _await_ranks(process, run, before)
            before |= {rank.pid for rank in ranks}
            # At any moment of a start; but not after more steps than there are for each kill, or the run would end.
            moment = chance.uniform(0, _LONGEST_JOINING_SECONDS) if number % 2 else _PATIENCE_SECONDS
            _await_step(process, run, seen + 1, seconds=moment)
            if len(ranks) < 2 or process.poll() is not None:
                break
            chance.choice(ranks).send_signal(signal.SIGKILL)
            kills += 1
        code = process.wait(_PATIENCE_SECONDS)
    except (TimeoutError, subprocess.TimeoutExpired):
        return Outcome(f"hangs after {kills} kills", [log.read_text()[-3000:]])
    finally:
        process.kill()
        for rank in _ranks(run):
            rank.kill()
        process.wait()
    failures = [] if code == 0 else [f"exit code {code} after {kills} kills: {log.read_text()[-3000:]}"]
    if kills < times:
        failures.append(f"ended after {kills} kills")
    if not failures:
        ends = [
            lasting(load_checkpoint(checkpoint_path(each / "checkpoints", steps))) for each in (folder / "whole", run)
        ]
        failures = differing({**ends[0], "best": 0}, {**ends[1], "best": 0})
    return Outcome(f"{kills if not failures else 'not'} of {times} recovered, {len(failures)} differ", failures)


def _step(run: Path) -> int:
    return max((int(path.stem) for path in list_checkpoints(run / "checkpoints")), default=0)


def _await_ranks(process: "subprocess.Popen[bytes]", run: Path, before: set[int]) -> list[psutil.Process]:
    """The two processes that train, once they are there, and are not those of an earlier start."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None:
        ranks = [each for each in _ranks(run) if each.pid not in before]
        if len(ranks) == 2:
            return ranks
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)
    return []


def _ranks(run: Path) -> list[psutil.Process]:
    """The processes that train this run: descendants of torchrun, a fork too, and not of ours."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = each.cmdline()
            if f"run.dir={run}" in command and "-u" in command and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def _await_step(process: "subprocess.Popen[bytes]", run: Path, step: int, *, seconds: float) -> None:
    """Wait for a step, or for so many seconds; those of patience are too many."""
    deadline = time.monotonic() + seconds
    while _step(run) < step and process.poll() is None:
        if time.monotonic() > deadline:
            if seconds == _PATIENCE_SECONDS:
                raise TimeoutError
            return
        time.sleep(0.02)
