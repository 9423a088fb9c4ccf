"""What an exported voice keeps and costs: proved when it is written, printed, and left beside it.

The file NAME.contract.json holds the same as what is printed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import onnx

from configs.atomic_file import replacing
from voices.export.clients import Trial, try_clients
from voices.export.comparison import BOUND, Case, Comparison, Likeness, cases_for, compare, likeness
from voices.export.cost import Cost, measure_costs
from voices.export.digest import digest
from voices.export.piper import what_clients_lack
from voices.voice_file import VoiceFile


@dataclass(frozen=True)
class Contract:
    """Everything that was found out about an export."""

    comparisons: Sequence[Comparison]
    likenesses: dict[str, Likeness | None]  # of the smaller graphs
    costs: Sequence[Cost]
    trials: Sequence[Trial]
    lacking: Sequence[str]  # what clients cannot do that the voice itself can
    digests: Mapping[str, str] = field(default_factory=dict)  # SHA-256 by the name of each graph

    @property
    def broken(self) -> str | None:
        """What does not hold, as a sentence; None where all does."""
        apart = [comparison for comparison in self.comparisons if comparison.broken]
        if apart:
            worst = max(apart, key=lambda comparison: (comparison.unequal_durations, comparison.difference))
            what = (
                f"{worst.unequal_durations} durations differ"
                if worst.unequal_durations
                else f"samples differ by {worst.difference:.1e}, more than {BOUND:g}"
            )
            return f"ONNX Runtime and torch do not say the same: for {worst.case}, {what}"
        if all(comparison.not_compared for comparison in self.comparisons):
            return f"nothing could be compared: {self.comparisons[0].not_compared}"
        failed = next((trial for trial in self.trials if trial.failed), None)
        return None if failed is None else f"{failed.client} {failed.outcome}"


def prove(voice: VoiceFile, graphs: dict[str, Path], *, quick: bool = False) -> Contract:
    """Compare, time and try what was written.

    Args:
        voice: what was exported.
        graphs: the files by what they are called: `float32`, and where they were made `int8` and `float16`.
        quick: leave the times and the clients out.
    """
    models = {name: onnx.load(str(path)) for name, path in graphs.items()}
    return Contract(
        comparisons=list(compare(voice, models["float32"], cases_for(max(1, len(voice.speakers))))),
        likenesses={name: likeness(voice, model, Case()) for name, model in models.items() if name != "float32"},
        costs=[] if quick else measure_costs(voice, graphs),
        trials=[] if quick else try_clients(voice, graphs["float32"]),
        lacking=what_clients_lack(voice),
        digests={path.name: digest(path.read_bytes()) for path in graphs.values()},
    )


def write_contract(path: Path, contract: Contract) -> None:
    """Write what was found as JSON."""
    content = asdict(contract) | {"broken": contract.broken}
    with replacing(path) as file:
        file.write((json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n").encode())


def as_text(contract: Contract) -> str:
    """The contract as a person reads it."""
    lines = [f"torch and ONNX Runtime, given the same noise (durations equal, samples within {BOUND:g}):"]
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
        lines.append("real-time factor: not measured, this voice would speak for too long")
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
