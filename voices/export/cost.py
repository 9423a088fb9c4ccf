"""What the forms of a voice cost: their size, and the time they need to speak."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from voices.export.comparison import Case, utterance
from voices.export.noise import open_session
from voices.voice_file import VoiceFile

# About 5 s in English, where a voice speaks as people do. A little slower than usual, because one that has learned
# nothing gives each id exactly one frame, which lies on the edge of two.
_SENTENCE = Case(ids=135, length_scale=1.1, duration_noise_scale=0.0)
_RUNS = 5


@dataclass(frozen=True)
class Cost:
    """What a form of the voice takes."""

    form: str
    megabytes: float
    real_time_factors: dict[int, float]  # by threads: seconds of work for a second of audio


def measure_costs(voice: VoiceFile, graphs: Mapping[str, Path]) -> list[Cost]:
    """Time torch, each graph, and the first graph without ONNX Runtime's optimisations.

    Each in turn, several times over, so that a busy moment does not fall on one alone.
    """
    said = utterance(voice, _SENTENCE)
    if isinstance(said, str):
        return []
    seconds = said.audio.numel() / voice.config.audio.sample_rate
    tensors = (torch.from_numpy(said.feeds[name]) for name in ("input", "input_lengths", "sid") if name in said.feeds)
    speak = partial(voice.synthesizer.speak, *tensors, duration_noise_scale=0.0, speed=1 / _SENTENCE.length_scale)
    weights = sum(weight.numel() * weight.element_size() for weight in voice.synthesizer.state_dict().values())
    megabytes = {"torch": weights / 1e6}
    work: dict[tuple[str, int], Callable[[], object]] = {}
    threads = sorted({1, torch.get_num_threads()})
    forms = [("ONNX, as it is written", next(iter(graphs.values())), False)]
    forms += [(f"ONNX, {name}, optimised", path, True) for name, path in graphs.items()]
    for count in threads:
        work["torch", count] = speak
        for form, path, optimised in forms:
            megabytes[form] = path.stat().st_size / 1e6
            session = open_session(str(path), threads=count, optimised=optimised, spinning=True)
            work[form, count] = partial(session.run, ["output"], said.feeds)
    taken = _take_turns(work)
    return [
        Cost(form, size, {count: taken[form, count] / seconds for count in threads}) for form, size in megabytes.items()
    ]


def _take_turns(work: Mapping[tuple[str, int], Callable[[], object]]) -> dict[tuple[str, int], float]:
    """Median seconds of each; the second part of its name is the number of torch's threads."""
    taken: dict[tuple[str, int], list[float]] = {key: [] for key in work}
    usual = torch.get_num_threads()
    for _ in range(1 + _RUNS):
        for key, run in work.items():
            torch.set_num_threads(key[1])
            started = time.perf_counter()
            run()
            taken[key].append(time.perf_counter() - started)
    torch.set_num_threads(usual)
    return {key: statistics.median(seconds[1:]) for key, seconds in taken.items()}  # the first run warms up
