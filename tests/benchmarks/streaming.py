"""How soon a voice is heard, and how much memory a long text takes: `python -m tests.benchmarks.streaming`.

Without `--voice`, the voice has random weights and the pace of speech: what is computed is what a trained one computes.
"""

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from configs import load_config
from infer import Voice
from models.stochastic_duration_predictor import StochasticDurationPredictor
from models.synthesizer import Synthesizer
from speaking.torch_engine import TorchEngine
from tests.benchmarks.measuring import device_name, peak_memory
from text import piper_symbols
from voices.voice_file import VoiceFile

TEN_WORDS = "The early bird catches the worm before the sun rises."
_SENTENCES = (
    TEN_WORDS,
    "Seven brave sailors rowed their small boat across the bay.",
    "He said that nobody would ever find the golden key.",
    "She sells sea shells by the sea shore every day.",
    "A letter for the king arrived late in the evening.",
)
_SECONDS_PER_ID = 0.031  # LJSpeech: 213 ids and 6.6 s a line


def random_voice(config_file: Path, overrides: list[str]) -> Voice:
    """A voice of random weights that speaks at the pace of LJSpeech's reader."""
    config = load_config(config_file, overrides)
    torch.manual_seed(1)
    symbols = piper_symbols()
    synthesizer = Synthesizer(config, num_symbols=symbols.size)
    predictor = synthesizer.duration_predictor
    assert isinstance(predictor, StochasticDurationPredictor), "its flow begins as the identity, the other is random"
    # Half a frame is added by rounding up, and the mean of a log-normal lies above its median.
    median = _SECONDS_PER_ID * config.audio.frames_per_second - 0.5
    with torch.no_grad():
        predictor.flow.affine.shift[0] = config.speaking.duration_noise_scale**2 / 2 - math.log(median)
    synthesizer.fold_weight_norm()
    synthesizer.eval().requires_grad_(False)
    file = VoiceFile(config, synthesizer, symbols.to_json(), speakers=(), step=0)
    return Voice(file, TorchEngine(synthesizer, torch.device("cpu")))


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """How long something takes, and how much of the processor's time."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000


def described(times: Sequence[tuple[float, float]]) -> str:
    """Times in words; what other programs take of a busy machine is not in the processor's time."""
    waited, worked = zip(*times, strict=True)
    late = statistics.quantiles(waited, n=20)[-1]
    return (
        f"median {statistics.median(waited):.0f} ms, 95th percentile {late:.0f} ms, fastest {min(waited):.0f} ms; "
        f"median of the processor's time {statistics.median(worked):.0f} ms"
    )


def heard(voice: Voice, text: str, *, seed: int, speed: float = 1.0) -> float:
    """Stream a text to nowhere; returns its seconds."""
    return sum(map(len, voice.stream(text, seed=seed, speed=speed))) / voice.sample_rate


def main() -> int:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.streaming", description=__doc__)
    parser.add_argument("--voice", type=Path, help="a voice, in the place of a random one")
    parser.add_argument("--config", type=Path, default=Path("configs/small.toml"), help="of the random one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tries", type=int, default=30)
    parser.add_argument("--sentences", type=int, nargs="*", default=[10, 1000], help="texts whose memory is measured")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    voice = Voice.load(arguments.voice) if arguments.voice else random_voice(arguments.config, arguments.overrides)
    print(f"{arguments.voice or arguments.config}, {device_name(torch.device('cpu'))}")

    texts = [_SENTENCES[place % len(_SENTENCES)] for place in range(arguments.tries)]
    print(f"the very first chunk: {milliseconds(lambda: next(voice.stream(TEN_WORDS, seed=0)))[0]:.0f} ms")
    ways: dict[str, Callable[[str, int], object]] = {
        "first chunk": lambda text, seed: next(voice.stream(text, seed=seed)),
        "all, streamed": lambda text, seed: heard(voice, text, seed=seed),
        "all, at once": lambda text, seed: voice.speak(text, seed=seed),
    }
    for name, way in ways.items():
        print(f"{name}: {described([milliseconds(partial(way, *one)) for one in zip(texts, itertools.count())])}")
    chunk, seconds = len(next(voice.stream(TEN_WORDS, seed=1))) / voice.sample_rate, heard(voice, TEN_WORDS, seed=1)
    print(f"the first chunk has {chunk:.2f} s of {seconds:.2f} s")
    for sentences in arguments.sentences:
        text = " ".join([TEN_WORDS] * sentences)
        bytes_used = peak_memory(torch.device("cpu"), partial(heard, voice, text, seed=1, speed=4))
        print(f"{sentences} sentences streamed: peak memory {bytes_used / 2**20:.0f} MiB (the whole process)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
