"""Seconds, memory and the device's own limits: what a step is held against.

`Contestant` is a way to make steps; `time_rounds` lets several of them step in turn, so that whatever else the machine
does meets all of them.
"""

import contextlib
import itertools
import platform
import resource
import subprocess
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from configs import Config
from data.batch import Batch
from data.corpus import Corpus
from tests.benchmarks.counting import counting
from tests.benchmarks.synthetic import MEAN_FRAMES, synthetic_corpus
from train import Trainer
from training.frozen import FrozenNetworks

Step = Callable[[Trainer, Batch], object]
HOUSE = Path(__file__).resolve().parents[2]
_STATUS = Path("/proc/self/status")


class Contestant:
    """A trainer on random recordings, and how it steps.

    Args:
        config: the experiment.
        step: what is measured; it is given the trainer and a batch.
        mean_frames: of the recordings.
        speakers: who speak.
        batches: that there are; they come again and again.
        corpus: recordings to take them from, evenly; None makes random ones.
        frozen: the networks that losses look through; None makes those that have a use.
    """

    def __init__(
        self,
        config: Config,
        step: Step = Trainer.run_step,
        *,
        mean_frames: int = MEAN_FRAMES,
        speakers: int = 1,
        batches: int = 2,
        corpus: Corpus | None = None,
        frozen: FrozenNetworks | None = None,
    ) -> None:
        size = config.train.batch_size
        if corpus is None:
            corpus = synthetic_corpus(config, batches=batches, mean_frames=mean_frames, speakers=speakers)
        self.trainer, self._step = Trainer(config, corpus, frozen=frozen), step
        clips = corpus.train[:: max(1, len(corpus.train) // (batches * size))][: batches * size]
        self.batches = [self.trainer.batch(clips[start : start + size]) for start in range(0, len(clips), size)]
        self._coming = itertools.cycle(self.batches)
        self.device = self.trainer.device

    def step(self) -> None:
        """Make one step on the next batch."""
        self._step(self.trainer, next(self._coming))
        self.trainer.step += 1


def settle(device: torch.device) -> None:
    """Wait until the device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_rounds(contestants: Sequence[Contestant], *, rounds: int) -> list[list[float]]:
    """Milliseconds per step, for each contestant and round; they step in turn.

    A round is one step on a CPU and four on a GPU, which shall not wait for Python after every single one.
    """
    milliseconds: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for contestant, times in zip(contestants, milliseconds, strict=True):
            steps = 4 if contestant.device.type == "cuda" else 1
            settle(contestant.device)
            started = time.perf_counter()
            for _ in range(steps):
                contestant.step()
            settle(contestant.device)
            times.append((time.perf_counter() - started) * 1000 / steps)
    return milliseconds


def peak_memory(device: torch.device, work: Callable[[], object]) -> int:
    """Most bytes that were in use while something was done: tensors on a GPU, the whole process on a CPU."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        settle(device)
        return torch.cuda.max_memory_allocated(device)
    with contextlib.suppress(OSError):  # only Linux forgets the peak so far
        Path("/proc/self/clear_refs").write_text("5")
    work()
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOPs per second of a large matrix product, the best of several tries.

    Two libraries may make it: on a CPU, the one for convolutions is the faster one on some machines.
    """
    size = 8192 if device.type == "cuda" else 1536
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    signal = torch.randn(4, 512, 2048, device=device, dtype=dtype)
    weight = torch.randn(512, 512, 5, device=device, dtype=dtype)
    best = 0.0
    for work in (partial(torch.mm, left, right), partial(functional.conv1d, signal, weight)):
        with counting() as counts:
            work()
        for _ in range(12):
            settle(device)
            started = time.perf_counter()
            work()
            settle(device)
            best = max(best, counts[""].flops / (time.perf_counter() - started))
    return best


def sync_warnings(work: Callable[[], object]) -> int:
    """How often CUDA itself says that something made Python wait."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode(before)
    return sum("synchronizing CUDA operation" in str(warning.message) for warning in caught)


def kernel_launches(work: Callable[[], object]) -> int:
    """Kernels that ran on the GPU."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        work()
        torch.cuda.synchronize()
    return sum(
        event.device_type.name == "CUDA" and not event.name.startswith(("Memcpy", "Memset", "gpu_"))
        for event in profiler.events() or ()
    )


def device_name(device: torch.device) -> str:
    """What the device is called, with the threads in use where it is a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    names = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    name = names[0].partition(":")[2].strip() if names else platform.processor()
    return f"{name}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"


def commit() -> str:
    """The commit that is checked out, with a plus where files differ from it; empty outside a repository."""
    answers = [
        subprocess.run(["git", *words.split()], cwd=HOUSE, capture_output=True, text=True, check=False).stdout.strip()
        for words in ("rev-parse --short HEAD", "status --porcelain --untracked-files=no")
    ]
    return answers[0] + ("+" if answers[0] and answers[1] else "")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
