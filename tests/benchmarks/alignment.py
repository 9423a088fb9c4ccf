"""`python -m tests.benchmarks.alignment`: milliseconds of one alignment search, on a core and on a GPU if there is one.

Each batch is searched once in every round and every way, and the medians are told. `full` batches are as long as they
say throughout; in `ragged` ones that is the mean, with the spread of LJSpeech. Several copies of the scores are
searched in turn, more than a cache holds, as in training, where they come fresh from a matrix product; `in cache` is
the same copy again. On the CPU it is processor time that counts, which other programs lengthen least.

On a GPU: `device` is what its clock counts of a search replayed from a captured graph, `eager` what the host's clock
counts from the call until the device is idle, and `via host` the same for a search on the CPU of scores from the GPU.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.alignment import search_durations

SHAPES = [(64, 570, 213), (16, 512, 128), (16, 2048, 512)]  # batch, frames, phonemes
BYTES_BEYOND_CACHES = 256 * 2**20

Way = Callable[[], float]  # one measurement, in milliseconds


@dataclass(frozen=True)
class Batch:
    """Scores to search, the same in every copy."""

    name: str
    copies: list[Tensor]  # each [B, F, P]
    phoneme_lengths: Tensor  # [B]
    frame_lengths: Tensor  # [B]

    def to(self, device: torch.device) -> "Batch":
        """The same batch elsewhere."""
        copies = [scores.to(device, copy=True) for scores in self.copies]
        return Batch(self.name, copies, self.phoneme_lengths.to(device), self.frame_lengths.to(device))

    def search(self, copy: int = 0) -> Tensor:
        """Durations, [B, P]."""
        return search_durations(self.copies[copy % len(self.copies)], self.phoneme_lengths, self.frame_lengths)


def make_batch(batch: int, frames: int, phonemes: int, *, ragged: bool) -> Batch:
    """Random scores; ragged lengths vary by a third of their mean, and the phonemes with the frames."""
    generator = np.random.default_rng(0)
    frame_lengths, phoneme_lengths = np.full(batch, frames), np.full(batch, phonemes)
    if ragged:
        frame_lengths = (frames * generator.normal(1, 0.33, batch).clip(0.2, 1.55)).astype(np.int64)
        pace = generator.normal(1, 0.08, batch)
        phoneme_lengths = (frame_lengths * pace * phonemes / frames).astype(np.int64).clip(1, frame_lengths)
    shape = batch, int(frame_lengths.max()), int(phoneme_lengths.max())
    scores = torch.from_numpy(generator.normal(-300, 30, shape).astype(np.float32))
    copies = [scores.clone() for _ in range(2 + BYTES_BEYOND_CACHES // scores.nbytes)]
    name = f"{batch} x {frames} x {phonemes} {'ragged' if ragged else 'full'}"
    return Batch(name, copies, torch.from_numpy(phoneme_lengths), torch.from_numpy(frame_lengths))


def ways_on_cpu(batch: Batch) -> dict[str, Way]:
    """The search on one core."""
    turn = iter(range(sys.maxsize))

    def fresh() -> float:
        copy = next(turn)
        started = time.thread_time()
        batch.search(copy)
        return (time.thread_time() - started) * 1e3

    def in_cache() -> float:
        batch.search()
        started = time.thread_time()
        batch.search()
        return (time.thread_time() - started) * 1e3

    return {"cpu": fresh, "cpu, in cache": in_cache}


def ways_on_gpu(batch: Batch) -> dict[str, Way]:
    """The kernels alone, with what the host adds, and what they are there to avoid."""
    on_gpu, host = batch.to(torch.device("cuda")), batch
    turn = iter(range(sys.maxsize))
    on_gpu.search()  # compiled now
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for copy in range(len(on_gpu.copies)):
            on_gpu.search(copy)

    def device() -> float:
        started, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        started.record()
        graph.replay()
        ended.record()
        ended.synchronize()
        return started.elapsed_time(ended) / len(on_gpu.copies)

    def eager() -> float:
        started = time.perf_counter()
        on_gpu.search(next(turn))
        torch.cuda.synchronize()
        return (time.perf_counter() - started) * 1e3

    def via_host() -> float:
        copy = next(turn) % len(on_gpu.copies)
        started = time.perf_counter()
        scores = on_gpu.copies[copy].cpu()
        search_durations(scores, host.phoneme_lengths, host.frame_lengths).cuda()
        torch.cuda.synchronize()
        return (time.perf_counter() - started) * 1e3

    if not torch.equal(on_gpu.search().cpu(), host.search()):
        raise RuntimeError(f"{batch.name}: the GPU finds other durations than the CPU")
    return {"device": device, "eager": eager, "via host": via_host}


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of each batch and way, all of them once in every round."""
    ways: dict[str, dict[str, Way]] = {}
    for batch, frames, phonemes in SHAPES:
        for ragged in (False, True):
            made = make_batch(batch, frames, phonemes, ragged=ragged)
            made.search()  # compiled now
            ways[made.name] = ways_on_cpu(made) | (ways_on_gpu(made) if torch.cuda.is_available() else {})
    samples: dict[str, dict[str, list[float]]] = {name: {way: [] for way in own} for name, own in ways.items()}
    for _ in range(rounds):
        for name, own in ways.items():
            for way, run in own.items():
                samples[name][way].append(run())
    return {name: {way: statistics.median(taken) for way, taken in own.items()} for name, own in samples.items()}


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.alignment", description=__doc__)
    parser.add_argument("--rounds", type=int, default=21, help="measurements of each figure (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the same as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures = measure(arguments.rounds)
    if arguments.json:
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else None
        print(json.dumps({"device": device, "milliseconds": figures}, indent=2))
        return 0
    columns = list(next(iter(figures.values())))
    print(f"{'ms, B x F x P':24}" + "".join(f"{column:>15}" for column in columns))
    for name, row in figures.items():
        print(f"{name:24}" + "".join(f"{row[column]:15.3f}" for column in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
