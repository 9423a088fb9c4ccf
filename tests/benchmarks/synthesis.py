"""What each decoder costs to speak with: parameters, work and real-time factor in ONNX Runtime, in one run.

`python -m tests.benchmarks.synthesis` exports voices of random weights that speak at the pace of LJSpeech's reader, and
lets all of them say the same sentence in turn, round after round, so that a busy moment meets all. Piper's medium and
high voices are those of `configs/small.toml` and `configs/ljspeech.toml`: as torch exports them, which is how Piper's
trainer does it, and as `voices.export` does.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from unittest import mock

import numpy as np
import onnx
import onnxruntime
import torch
from torch.onnx import symbolic_opset9

from configs import command
from infer import Voice
from models.synthesizer import Synthesizer
from speaking.torch_engine import TorchEngine
from tests.benchmarks.copy_synthesis import DECODERS
from tests.benchmarks.counting import counting
from tests.benchmarks.measuring import HOUSE, commit, device_name
from tests.benchmarks.streaming import random_voice
from tests.benchmarks.table import markdown
from voices.export import graph
from voices.export.noise import open_session

MEDIUM, HIGH = "Piper medium", "Piper high"
SENTENCE = "Printing, in the only sense with which we are at present concerned, differs from most arts."
THREADS = (1, 2)


@dataclass(frozen=True)
class Contestant:
    """A voice, and how its graph is made."""

    name: str
    config: str
    settings: tuple[str, ...] = ()
    as_torch_exports: bool = False


CONTESTANTS = (
    Contestant(MEDIUM, "small", as_torch_exports=True),
    Contestant(HIGH, "ljspeech", as_torch_exports=True),
    Contestant("small.toml", "small"),
    Contestant("ljspeech.toml", "ljspeech"),
    *(Contestant(name, "ljspeech", tuple(DECODERS[name])) for name in DECODERS if not name.startswith("hifigan")),
    Contestant("voice_fast.toml", "voice_fast"),
    Contestant("voice_high.toml", "voice_high"),
)


@dataclass(frozen=True)
class Speed:
    """What a voice takes."""

    name: str
    parameters: int  # numbers in the graph
    decoder_parameters: int
    decoder_gigaflops: float  # per second of audio
    gigaflops: float  # of the whole, per second of audio
    real_time_factors: dict[int, float]  # by threads: the median over rounds
    ratios: dict[tuple[str, int], float]  # how many times as long Piper's take: the median over rounds


def measure(contestants: Sequence[Contestant], *, rounds: int) -> tuple[list[Speed], float]:
    """Let all of them speak in turn; returns what they take and the seconds of the sentence."""
    runs: dict[tuple[str, int], Callable[[], float]] = {}
    counts = {}
    for contestant in contestants:
        voice = random_voice(HOUSE / "configs" / f"{contestant.config}.toml", list(contestant.settings))
        counts[contestant.name] = _counts(voice)
        model = _exported(voice, plainly=contestant.as_torch_exports)
        size = sum(int(np.prod(weight.dims)) for weight in model.graph.initializer)
        counts[contestant.name]["parameters"] = size
        for threads in THREADS:
            session = open_session(model, threads=threads)
            runs[contestant.name, threads] = partial(_real_time_factor, session, voice)
    factors = _take_turns(runs, rounds)
    speeds = [
        Speed(
            contestant.name,
            int(counts[contestant.name]["parameters"]),
            int(counts[contestant.name]["decoder_parameters"]),
            counts[contestant.name]["decoder_gigaflops"],
            counts[contestant.name]["gigaflops"],
            {threads: statistics.median(factors[contestant.name, threads]) for threads in THREADS},
            {
                (peer, threads): statistics.median(
                    theirs / ours
                    for theirs, ours in zip(factors[peer, threads], factors[contestant.name, threads], strict=True)
                )
                for peer in (MEDIUM, HIGH)
                for threads in THREADS
            },
        )
        for contestant in contestants
    ]
    return speeds, counts[MEDIUM]["seconds"]


def _exported(voice: Voice, *, plainly: bool) -> onnx.ModelProto:
    synthesizer = _synthesizer(voice)
    if not plainly:
        return graph.trace_graph(synthesizer)
    with mock.patch.object(graph, "_convolution", symbolic_opset9._convolution):
        return graph.trace_graph(synthesizer)


def _synthesizer(voice: Voice) -> Synthesizer:
    assert isinstance(voice.engine, TorchEngine)
    return voice.engine.synthesizer


def _inputs(voice: Voice) -> tuple[torch.Tensor, torch.Tensor]:
    (encoded,) = voice.front_end.sentences(SENTENCE)
    return torch.tensor([encoded.ids]), torch.tensor([len(encoded.ids)])


@torch.no_grad()
def _counts(voice: Voice) -> dict[str, float]:
    synthesizer = _synthesizer(voice)
    plan = synthesizer.plan(*_inputs(voice), duration_noise_scale=0.0)
    seconds = plan.z_p.shape[2] / voice.config.audio.frames_per_second
    with counting() as decoder:
        synthesizer.decoder(plan.z_p)
    with counting() as whole:
        synthesizer.speak(*_inputs(voice), duration_noise_scale=0.0)
    return {
        "seconds": seconds,
        "decoder_parameters": sum(parameter.numel() for parameter in synthesizer.decoder.parameters()),
        "decoder_gigaflops": decoder[""].flops / seconds / 1e9,
        "gigaflops": whole[""].flops / seconds / 1e9,
    }


def _real_time_factor(session: onnxruntime.InferenceSession, voice: Voice) -> float:
    ids, lengths = _inputs(voice)
    scales = np.array([0.667, 1.0, 0.0], dtype=np.float32)
    feeds = {"input": ids.numpy(), "input_lengths": lengths.numpy(), "scales": scales}
    started = time.perf_counter()
    audio = session.run(["output"], feeds)[0]
    return (time.perf_counter() - started) * voice.sample_rate / audio.size


def _take_turns(runs: Mapping[tuple[str, int], Callable[[], float]], rounds: int) -> dict[tuple[str, int], list[float]]:
    factors: dict[tuple[str, int], list[float]] = {key: [] for key in runs}
    for round_ in range(rounds + 1):
        for key, run in runs.items():
            factor = run()
            if round_:  # the first one warms up
                factors[key].append(factor)
    return factors


def table(speeds: Sequence[Speed]) -> str:
    """To read."""
    head = (
        *(
            "voice",
            "M in the graph",
            "M in the decoder",
            "decoder GFLOP/s",
            "whole GFLOP/s",
            "RTF, 1 thread",
            "2 threads",
        ),
        *("Piper medium takes, 1", "2 threads", "Piper high takes, 1", "2 threads"),
    )
    rows: list[tuple[str, ...]] = [
        (
            *(speed.name, f"{speed.parameters / 1e6:.1f}", f"{speed.decoder_parameters / 1e6:.2f}"),
            *(f"{speed.decoder_gigaflops:.2f}", f"{speed.gigaflops:.2f}"),
            *(f"{speed.real_time_factors[threads]:.4f}" for threads in THREADS),
            *(f"{speed.ratios[peer, threads]:.2f} x" for peer in (MEDIUM, HIGH) for threads in THREADS),
        )
        for speed in speeds
    ]
    return "\n".join(markdown(head, rows))


@command
def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.synthesis", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="that are timed (%(default)s)")
    names = [contestant.name for contestant in CONTESTANTS]
    parser.add_argument("--only", action="append", choices=names, metavar="VOICE", help="beside Piper's two")
    arguments = parser.parse_args()
    chosen = {*(arguments.only or names), MEDIUM, HIGH}
    speeds, seconds = measure([each for each in CONTESTANTS if each.name in chosen], rounds=arguments.rounds)
    print(table(speeds))
    print(
        f"\n- a sentence of {seconds:.2f} s, median of {arguments.rounds} rounds, ONNX Runtime "
        f"{onnxruntime.__version__}, {device_name(torch.device('cpu')).partition(',')[0]}, commit {commit()}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
