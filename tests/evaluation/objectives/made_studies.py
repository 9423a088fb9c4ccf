"""Studies that were never trained: run folders with invented curves, and evaluations with invented values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.objectives.arm import Budget, PlannedRun, plan, read_arms
from evaluation.objectives.command_line import StudyArguments
from evaluation.objectives.outcome import Outcome
from evaluation.objectives.results import Study, summarise
from tests.monitoring.made_runs import make_run

HOUSE = Path(__file__).resolve().parents[3]
SENTENCES = 6
STEPS = 400
WHY = "training diverged before step 340: synthesizer.decoder.output.weight is NaN or infinite, and is not saved"
_ROWS = (  # part, name, unit, which is better, mean
    ("reconstruction", "mel distance", "nats", "lower", 0.8),
    ("reconstruction", "PESQ", "MOS", "higher", 1.5),
    ("intelligibility", "phoneme error rate", "%", "lower", 60.0),
)


def make_study(
    folder: Path,
    arms: str,
    *,
    worse: Mapping[str, float] | None = None,
    diverged: Mapping[str, int] | None = None,
    seeds: int = 3,
    overrides: tuple[str, ...] = (),
    texts: str = "A sentence.",
    note: str = "",
) -> tuple[Study, StudyArguments]:
    """Make one.

    Args:
        folder: of the study.
        arms: as on the command line.
        worse: by how much of its mean an objective is worse in every metric, by its name; seeds differ by a hundredth.
        diverged: how many of its runs did, by name.
        seeds: of each.
        overrides: of all runs.
        texts: of every sentence.
        note: why there is no PESQ; empty where there is.
    """
    read, generator = read_arms(arms), np.random.default_rng(1)
    runs = plan(HOUSE / "configs" / "tiny.toml", overrides, read, seeds, Budget(STEPS), folder)
    outcomes: dict[PlannedRun, Outcome] = {}
    evaluations: dict[PlannedRun, dict[str, Any]] = {}
    for run in runs:
        make_run(run.folder, steps=STEPS, seed=run.seed)
        has_diverged = run.seed <= (diverged or {}).get(run.arm.name, 0)
        outcomes[run] = Outcome("diverged", 340, WHY, Budget(STEPS)) if has_diverged else _finished()
        if not has_diverged:
            shift = (worse or {}).get(run.arm.name, 0.0) + 0.01 * generator.normal()
            evaluations[run] = _evaluation(shift, generator, texts, note)
    asked = StudyArguments(
        Path("configs/tiny.toml"), overrides, read, seeds, Budget(STEPS), runs, SENTENCES, True, None, 1, folder
    )
    return summarise(asked, outcomes, evaluations, device="cpu"), asked


def _finished() -> Outcome:
    return Outcome("finished", STEPS, "", Budget(STEPS))


def _evaluation(shift: float, generator: np.random.Generator, texts: str, note: str) -> dict[str, Any]:
    """The content of an evaluation.json."""
    rows = []
    for part, name, unit, better, mean in _ROWS:
        factor = 1 + shift * (1 if better == "lower" else -1)
        values = {f"s{place}": mean * factor * (1 + 0.01 * generator.normal()) for place in range(SENTENCES)}
        own = note if name == "PESQ" else ""
        rows.append(
            {
                "part": part,
                "name": name,
                "unit": unit,
                "better": better,
                "note": own,
                "values": {} if own else values,
                "recorded": dict.fromkeys(values, 0.4) if part == "intelligibility" else {},
                "interval": {"mean": None if own else float(np.mean(list(values.values())))},
            }
        )
    sentences = [{"id": f"s{place}", "text": texts} for place in range(SENTENCES)]
    return {"sentences": sentences, "voices": [{"step": STEPS, "rows": rows}]}
