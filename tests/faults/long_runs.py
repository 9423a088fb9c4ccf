"""Nothing that a step, a report, a validation or a checkpoint takes is kept: memory and open files of a long run."""

import multiprocessing
import os
import statistics
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from data.batch import Batch
from tests.benchmarks.synthetic import synthetic_corpus
from tests.faults.fault import Outcome, fault
from tests.faults.tiny_runs import PRELOADED
from tests.voices.random_voice import small_config
from train import Trainer
from training.interruption import StopRequest

_TIMES = 16  # that a run validates and saves; it reports twice as often
_BATCHES, _FRAMES = 4, 100
_MOST_BYTES_PER_STEP = 4_000  # of the 6 400 that the recordings of one batch take
_NOISE_BYTES = 4 * 2**20  # by which an allocator's pages differ from one quarter to another, in a short run too


def train_and_tell(steps: int, folder: Path, told: Connection) -> None:
    """Train a tiny voice, and send the bytes in memory and the number of open files before each step."""
    torch.set_num_threads(1)
    train: dict[str, Any] = {"steps": steps, "batch_size": 2, "segment_samples": 64, "spoken_sentences": 1}
    every = max(1, steps // _TIMES)
    train |= {"report_every": max(1, every // 2), "validate_every": every, "checkpoint_every": every}
    config = small_config(
        train=train,
        run={"dir": str(folder / "run"), "device": "cpu", "threads": 1},
        model={"text_layers": 1, "posterior_layers": 1, "coupling_layers": 1, "coupling_wavenet_layers": 1}
        | {"duration_flows": 1, "attention_window": 2},
        decoder={"residual_kernel_sizes": [3], "residual_dilations": [[1]], "residual_block": 2},
        discriminator={"periods": [2], "scales": 0},
    )
    trainer = Trainer(config, synthetic_corpus(config, batches=_BATCHES, mean_frames=_FRAMES))
    batches = trainer.batches()

    def watched() -> Iterator[Batch]:
        for batch in batches:
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            told.send((resident, sum(1 for _ in Path("/proc/self/fd").iterdir())))
            yield batch

    trainer.batches = watched  # type: ignore[method-assign, assignment]
    trainer.train(StopRequest())
    told.close()


@fault(
    "a long run, with reports, validations and checkpoints (steps)",
    goal="no file more is open at the end, and memory does not grow",
    times=2000,
    times_in_ci=80,
    slow=True,
)
def long_runs(times: int, folder: Path) -> Outcome:
    """Train in a process of its own, and compare its last quarter with its second one."""
    if not Path("/proc/self/statm").exists():
        return Outcome("not measured: only Linux tells what a process holds")
    processes = multiprocessing.get_context("forkserver")  # that of the other faults, where it has begun
    processes.set_forkserver_preload(PRELOADED)
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=train_and_tell, args=(times, folder, theirs))
    process.start()
    theirs.close()
    samples: list[tuple[int, int]] = []
    while True:
        try:
            samples.append(ours.recv())
        except EOFError:
            break
    process.join()
    if process.exitcode or len(samples) < times:
        return Outcome(f"{len(samples)} steps", [f"the run ended with {process.exitcode} after {len(samples)} steps"])
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    sizes_of = [statistics.median(size for size, _ in part) for part in (early, late)]
    growth = (sizes_of[1] - sizes_of[0]) / (2 * quarter)
    files = [max(count for _, count in part) for part in (early, late)]
    failures = []
    if files[1] > files[0]:
        failures.append(f"{files[1]} files are open, and {files[0]} were before")
    if growth > _MOST_BYTES_PER_STEP and sizes_of[1] - sizes_of[0] > _NOISE_BYTES:
        failures.append(f"memory grows by {growth:.0f} bytes a step")
    sizes = ", ".join(f"{samples[place][0] / 2**20:.0f}" for place in (0, quarter, 2 * quarter, 3 * quarter, -1))
    return Outcome(f"{sizes} MiB by quarters ({growth:+.0f} bytes a step); {files[0]} and {files[1]} files", failures)
