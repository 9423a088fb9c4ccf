"""`python -m tests.benchmarks.train_step [CONFIG] [section.key=value ...]`: what a training step costs, part by part.

The model of an experiment (configs/ljspeech.toml, if none is named) steps on random recordings with the lengths of
LJSpeech (see `synthetic`). Printed is one table: milliseconds, FLOPs, bytes, dispatched operations and host waits of
each part, forward and backward together; the share of the matrix peak that is measured in the same run and precision;
peak memory; what waited. `--compare section.key=value` lets the same step with another setting step in turn. `--grow`
prints how cost grows instead. `--json` prints all that `Measurement` holds.
"""

import argparse
import dataclasses
import functools
import json
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from configs import Config, InputError, command, load_config
from models.device import choose_device
from tests.benchmarks.counting import Count, counting
from tests.benchmarks.growth import grow, growth_table
from tests.benchmarks.measuring import (
    Contestant,
    Step,
    commit,
    device_name,
    kernel_launches,
    matrix_peak,
    peak_memory,
    sync_warnings,
    time_rounds,
)
from tests.benchmarks.parts import PARTS, Parts, clock_of
from tests.benchmarks.synthetic import MEAN_FRAMES
from tests.benchmarks.table import Comparison, Measurement, Part, step_table
from train import Trainer


class Rival(NamedTuple):
    """What steps in turn with the step that is measured."""

    name: str
    config: Config
    step: Step


def measure(config: Config, *, rounds: int, rival: Rival | None = None, command: str = "") -> Measurement:
    """Measure the step of one experiment.

    Args:
        config: the experiment.
        rounds: how often it is timed.
        rival: what it is compared with.
        command: how this was asked for.
    """
    contestant = Contestant(config)
    device, dtype = contestant.device, contestant.trainer.dtype
    cuda = device.type == "cuda"
    warm_up(contestant)
    peak = peak_memory(device, contestant.step)

    milliseconds, stolen = timed(contestant, rounds=rounds) if rival is None else (0.0, 0.0)
    comparison = None
    if rival is not None:
        milliseconds, comparison = compared(contestant, rival, rounds=rounds)
    # To look at a step slows it down, so that is done apart; and a step that is replayed has no parts to be seen.
    contestant.trainer.execute = contestant.trainer.train_step
    spans, counts = watched(contestant, steps=min(rounds, 3)), counted(contestant)
    matrix = matrix_peak(device, dtype)
    parts = {
        name: _part(spans.get(name, 0.0), counts.get(name, Count()), matrix)
        for name in PARTS
        if name in spans or name in counts
    }
    busy = sum(part.milliseconds for part in parts.values())
    flops = sum(part.flops for part in parts.values())
    networks = (contestant.trainer.synthesizer, contestant.trainer.discriminator)
    return Measurement(
        command=command,
        commit=commit(),
        torch=torch.__version__,
        device=device_name(device),
        precision=str(dtype).removeprefix("torch."),
        batch_size=config.train.batch_size,
        mean_frames=MEAN_FRAMES,
        parameters=sum(weight.numel() for network in networks for weight in network.parameters()),
        rounds=rounds,
        milliseconds_per_step=milliseconds,
        steps_per_second=1000 / milliseconds,
        parts=parts,
        parts_milliseconds=busy,
        waiting_milliseconds=max(0.0, milliseconds - busy) if cuda else stolen,
        flops=flops,
        matrix_peak=matrix,
        peak_share=flops / matrix / (milliseconds / 1000),
        bytes=sum(part.bytes for part in parts.values()),
        dispatches=sum(part.dispatches for part in parts.values()),
        kernel_launches=kernel_launches(contestant.step) if cuda else None,
        host_waits={
            f"{name}: {waiter}": times for name, one in counts.items() for waiter, times in sorted(one.waits.items())
        },
        sync_warnings=sync_warnings(contestant.step) if cuda else None,
        peak_memory_bytes=peak,
        comparison=comparison,
    )


def warm_up(contestant: Contestant) -> None:
    """Steps after which the next one costs what all later ones cost."""
    for _ in range(6 if contestant.device.type == "cuda" else 1):
        contestant.step()


def timed(contestant: Contestant, *, rounds: int) -> tuple[float, float]:
    """Milliseconds per step, the median; and those of a step in which this thread did not run."""
    started = time.perf_counter() - time.thread_time()
    times = time_rounds([contestant], rounds=rounds)[0]
    stolen = (time.perf_counter() - time.thread_time() - started) * 1000 / rounds
    return statistics.median(times), max(0.0, stolen)


def compared(contestant: Contestant, rival: Rival, *, rounds: int) -> tuple[float, Comparison]:
    """Milliseconds per step of both, which step in turn."""
    other = Contestant(rival.config, rival.step)
    warm_up(other)
    peak = peak_memory(other.device, other.step)
    ours, theirs = (statistics.median(times) for times in time_rounds([contestant, other], rounds=rounds))
    return ours, Comparison(rival.name, theirs, theirs / ours, peak)


def watched(contestant: Contestant, *, steps: int) -> dict[str, float]:
    """Milliseconds of each part: the median over steps."""
    each: list[dict[str, float]] = []
    for _ in range(steps):
        parts = Parts(clock_of(contestant.device))
        with parts.watching(contestant.trainer):
            contestant.step()
        each.append(parts.milliseconds())
    names = {name for spans in each for name in spans}
    return {name: statistics.median(spans.get(name, 0.0) for spans in each) for name in names}


def counted(contestant: Contestant) -> dict[str, Count]:
    """What each part makes the machine do in one step."""
    parts = Parts()
    with parts.watching(contestant.trainer), counting(lambda: parts.current) as counts:
        contestant.step()
    return dict(counts)


def _part(milliseconds: float, count: Count, matrix: float) -> Part:
    return Part(
        milliseconds=milliseconds,
        flops=count.flops,
        bytes=count.bytes,
        dispatches=count.dispatches,
        host_waits=count.waits.total(),
        peak_share=count.flops / matrix / (milliseconds / 1000) if milliseconds else 0.0,
    )


def _load(path: str, settings: Sequence[str], more: Sequence[str] = ()) -> Config:
    config = load_config(path, [*settings, *more])
    asked = any(setting.startswith("train.precision=") for setting in (*settings, *more))
    if choose_device(config.run.device).type == "cpu" and not asked:
        # What an experiment says for a GPU is not what anybody would train with on a CPU.
        return load_config(path, [*settings, *more, "train.precision=auto"])
    return config


def _integers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


@command
def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.train_step", description=__doc__)
    parser.add_argument("settings", nargs="*", help="an experiment (configs/NAME.toml), then section.key=value ...")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--steps", type=int, metavar="N", help="rounds to time (default: 5 on a CPU, 10 on a GPU)")
    parser.add_argument("--batch", type=_integers, metavar="N", help="recordings per step; with --grow N,N,...")
    parser.add_argument("--compare", metavar="WHAT", help="section.key=value")
    parser.add_argument("--grow", action="store_true", help="print how cost grows")
    arguments = parser.parse_intermixed_args()
    path, settings = "configs/ljspeech.toml", list(arguments.settings)
    if settings and "=" not in settings[0]:
        path = settings.pop(0)
    if arguments.batch and not arguments.grow:
        if len(arguments.batch) > 1:
            raise InputError(f"--batch={arguments.batch}: one table has one batch size; give one, or --grow as well")
        settings.append(f"train.batch_size={arguments.batch[0]}")
    load = functools.partial(_load, path, settings)
    rounds = arguments.steps or (10 if torch.cuda.is_available() else 5)

    if arguments.grow:
        points = []
        for point in grow(load, batches=arguments.batch, steps=rounds):
            points.append(point)
            if arguments.json:  # a line each, so that what was measured is not lost with what was not
                print(json.dumps(dataclasses.asdict(point)), flush=True)
        if not arguments.json:
            print(growth_table(points))
        return 0
    rival = None
    if arguments.compare:
        rival = Rival(arguments.compare, load([arguments.compare]), Trainer.run_step)
    words = shlex.join(["python", "-m", "tests.benchmarks.train_step", *sys.argv[1:]])
    measured = measure(load(), rounds=rounds, rival=rival, command=words)
    print(json.dumps(dataclasses.asdict(measured), indent=2) if arguments.json else step_table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
