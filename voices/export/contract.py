"""Verification of an export: comparison with torch, speed, clients; printed and written as NAME.contract.json."""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import onnx
import torch

from configs.atomic_file import replacing
from voices.export.clients import Trial, try_clients
from voices.export.comparison import (
    Case,
    Likeness,
    TorchComparison,
    cases_for,
    compare_with_torch,
    likeness,
    settle,
)
from voices.export.digest import digest
from voices.export.noise import open_session
from voices.export.piper import what_clients_lack
from voices.voice_file import VoiceFile

# About 5 s in English at a natural speaking rate. Slightly slower than usual, because an untrained voice predicts
# exactly one frame per id, which rounding errors would make two.
_SENTENCE = Case(ids=135, length_scale=1.1, duration_noise_scale=0.0)
_RUNS = 5


@dataclass(frozen=True)
class InferenceCost:
    """Size and speed of one form of the voice."""

    form: str
    megabytes: float
    real_time_factors: dict[int, float]  # by number of threads: seconds of work per second of audio


@dataclass(frozen=True)
class Contract:
    """The result of the verification."""

    comparisons: Sequence[TorchComparison]
    likenesses: dict[str, Likeness | None]  # of the smaller graphs
    costs: Sequence[InferenceCost]
    trials: Sequence[Trial]
    lacking: Sequence[str]  # features of the voice that clients do not have
    digests: Mapping[str, str] = field(default_factory=dict)  # SHA-256 by the name of each graph

    @property
    def broken(self) -> str | None:
        """What failed, as a sentence; None if nothing did."""
        apart = [comparison for comparison in self.comparisons if comparison.broken]
        if apart:
            worst = max(apart, key=lambda comparison: (comparison.unequal_durations, comparison.difference))
            what = (
                f"{worst.unequal_durations} durations differ"
                if worst.unequal_durations
                else f"samples differ by {worst.difference:.1e}, more than {worst.bound:g}"
            )
            return f"ONNX Runtime and torch differ: for {worst.case}, {what}"
        if all(comparison.not_compared for comparison in self.comparisons):
            return f"nothing could be compared: {self.comparisons[0].not_compared}"
        failed = next((trial for trial in self.trials if trial.failed), None)
        return None if failed is None else f"{failed.client} {failed.outcome}"


def verify(voice: VoiceFile, graphs: dict[str, Path], *, quick: bool = False) -> Contract:
    """Compare, time and try the exported graphs.

    Args:
        voice: what was exported.
        graphs: the files of `float32`, and of `int8` and `float16` where they were exported.
        quick: without speed and clients.
    """
    models = {name: onnx.load(str(path)) for name, path in graphs.items()}
    return Contract(
        comparisons=list(compare_with_torch(voice, models["float32"], cases_for(max(1, len(voice.speakers))))),
        likenesses={name: likeness(voice, model, Case()) for name, model in models.items() if name != "float32"},
        costs=[] if quick else measure_costs(voice, graphs),
        trials=[] if quick else try_clients(voice, graphs["float32"]),
        lacking=what_clients_lack(voice),
        digests={path.name: digest(path.read_bytes()) for path in graphs.values()},
    )


def write_contract(path: Path, contract: Contract) -> None:
    """Write the contract as JSON."""
    content = asdict(contract) | {"broken": contract.broken}
    with replacing(path) as file:
        file.write((json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n").encode())


def as_text(contract: Contract) -> str:
    """The contract as printed."""
    within = max((comparison.bound for comparison in contract.comparisons), default=0.0)
    lines = [f"torch and ONNX Runtime, given the same noise (durations equal, samples within {within:g}):"]
    for comparison in contract.comparisons:
        outcome = comparison.not_compared or (
            f"{comparison.seconds:6.1f} s  {comparison.difference:.1e}"
            + (f"  {comparison.unequal_durations} durations differ" if comparison.unequal_durations else "")
        )
        lines.append(f"  {comparison.case!s:<72} {outcome}")
    for name, alike in contract.likenesses.items():
        lines.append(f"{name}: {_in_words(alike)}")
    if contract.costs:
        threads = list(contract.costs[0].real_time_factors)
        heads = "".join(f"{f'{count} thread' + 's' * (count > 1):>12}" for count in threads)
        lines += ["real-time factor, median:", f"  {'':<28}{'MB':>8}{heads}"]
        for cost in contract.costs:
            factors = "".join(f"{cost.real_time_factors[count]:12.4f}" for count in threads)
            lines.append(f"  {cost.form:<28}{cost.megabytes:8.1f}{factors}")
    elif contract.trials:
        lines.append("real-time factor: not measured, because this voice predicts too long durations")
    lines += [f"{trial.client}: {trial.outcome}" for trial in contract.trials]
    lines += contract.lacking
    return "\n".join(lines)


def _in_words(alike: Likeness | None) -> str:
    if alike is None:
        return "not compared"
    return (
        f"{alike.changed_durations:.1%} of the durations change; with the same durations the audio differs by "
        f"{-alike.signal_to_noise_db:.0f} dB, its spectrum by {alike.spectral_distance_db:.2f} dB on average"
    )


def measure_costs(voice: VoiceFile, graphs: Mapping[str, Path]) -> list[InferenceCost]:
    """Time torch, each graph, and the first graph without ONNX Runtime's optimisations, in turn."""
    settled = settle(voice, _SENTENCE)
    if isinstance(settled, str):
        return []
    seconds = settled.audio.numel() / voice.config.audio.sample_rate
    feeds = settled.feeds
    tensors = (torch.from_numpy(feeds[name]) for name in ("input", "input_lengths", "sid") if name in feeds)
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
            work[form, count] = partial(session.run, ["output"], feeds)
    taken = _median_seconds(work)
    return [
        InferenceCost(form, size, {count: taken[form, count] / seconds for count in threads})
        for form, size in megabytes.items()
    ]


def _median_seconds(work: Mapping[tuple[str, int], Callable[[], object]]) -> dict[tuple[str, int], float]:
    """Median seconds of each piece of work, by its name and number of threads."""
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
