"""How the cost of a step grows: with the batch, the recordings, their segments, the speakers, and for each decoder.

One thing changes at a time; the rest is the experiment's. What does not fit into memory is a row that says so.
"""

import ctypes
import gc
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from configs import DECODER_KINDS, Config, InputError
from models.device import choose_device
from tests.benchmarks.measuring import Contestant, peak_memory, time_rounds
from tests.benchmarks.synthetic import MEAN_FRAMES
from tests.benchmarks.table import markdown


@dataclass(frozen=True)
class Growth:
    """One point of a curve; without figures where it does not fit, and why."""

    axis: str
    value: str
    steps_per_second: float | None = None
    recordings_per_second: float | None = None
    peak_memory_bytes: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class _Point:
    axis: str
    value: str
    settings: tuple[str, ...] = ()
    mean_frames: int = MEAN_FRAMES
    speakers: int = 1


def grow(load: Callable[[Sequence[str]], Config], *, batches: Sequence[int] | None, steps: int) -> Iterator[Growth]:
    """Measure every point, each as soon as it is asked for.

    Args:
        load: the experiment with some more settings.
        batches: batch sizes; None takes 16 to 256 on a GPU and 1 to 4 on a CPU.
        steps: rounds that are timed.
    """
    for point in _points(cuda=choose_device(load(()).run.device).type == "cuda", batches=batches):
        try:
            yield _measured(point, load(point.settings), steps)
        except (InputError, torch.OutOfMemoryError) as error:
            yield Growth(point.axis, point.value, problem=str(error).splitlines()[0])
        gc.collect()
        _give_memory_back()


def growth_table(points: Sequence[Growth]) -> str:
    """The curves as one table."""
    head = ("", "value", "steps/s", "recordings/s", "peak GiB")
    return "\n".join(markdown(head, [_row(point) for point in points]))


def _points(*, cuda: bool, batches: Sequence[int] | None) -> list[_Point]:
    sizes = batches or ((16, 32, 64, 128, 256) if cuda else (1, 2, 4))
    fixed = () if cuda else ("train.batch_size=2",)
    return [
        *(_Point("batch", str(size), (f"train.batch_size={size}",)) for size in sizes),
        *(_Point("frames", str(frames), fixed, mean_frames=frames) for frames in (150, 300, 570, 850)),
        *(_Point("segment", str(size), (*fixed, f"train.segment_samples={size}")) for size in (4096, 8192, 16384)),
        *(_Point("segments", str(count), (*fixed, f"train.segments={count}")) for count in (1, 2, 4)),
        *(_Point("speakers", str(speakers), fixed, speakers=speakers) for speakers in (1, 10, 100)),
        *(_Point("decoder", kind, (*fixed, f"decoder.kind={kind}")) for kind in DECODER_KINDS),
    ]


def _measured(point: _Point, config: Config, steps: int) -> Growth:
    contestant = Contestant(config, mean_frames=point.mean_frames, speakers=point.speakers)
    contestant.step()
    peak = peak_memory(contestant.device, contestant.step)
    pace = 1000 / statistics.median(time_rounds([contestant], rounds=steps)[0])
    return Growth(point.axis, point.value, pace, pace * config.train.batch_size, peak)


def _give_memory_back() -> None:
    """What the last point used and nobody holds any more is not the next one's."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _row(point: Growth) -> tuple[str, ...]:
    if point.steps_per_second is None or point.recordings_per_second is None or point.peak_memory_bytes is None:
        return (point.axis, point.value, point.problem, "", "")
    return (
        point.axis,
        point.value,
        f"{point.steps_per_second:.2f}",
        f"{point.recordings_per_second:.1f}",
        f"{point.peak_memory_bytes / 2**30:.2f}",
    )
