"""The results of a study: every run, every metric of every objective, every comparison with the reference."""

import math
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic_core import to_json

from configs.atomic_file import replacing
from configs.command_line import version
from evaluation.metric import Better
from evaluation.objectives import measurement, outcome
from evaluation.objectives.arm import Budget, PlannedRun
from evaluation.objectives.command_line import StudyArguments
from evaluation.objectives.outcome import Cost, Outcome
from evaluation.objectives.statistics import (
    SIGNIFICANCE,
    Difference,
    Estimate,
    Values,
    difference,
    estimate,
    holm,
    least_found,
    run_means,
    spread_of_seeds,
)

Evaluations = Mapping[PlannedRun, dict[str, Any]]  # the content of evaluation.json of every run that has a voice


@dataclass(frozen=True)
class RunResult:
    """One run."""

    objective: str  # the name of its arm
    seed: int
    ended: str  # finished or diverged
    step: int
    why: str  # it diverged
    cost: Cost
    settings: str  # the files that this follows from, relative to the folder of the study
    curves: str
    evaluation: str | None  # None where it diverged
    metrics: dict[str, float]  # its means, by "part: name"


@dataclass(frozen=True)
class ArmResult:
    """One objective, over its seeds."""

    name: str
    objective: str
    overrides: tuple[str, ...]
    runs: int
    diverged: int
    processor_seconds_per_step: float
    seconds_per_step: float
    discriminator_updates: float  # mean of the runs


@dataclass(frozen=True)
class MetricResult:
    """One metric of every objective that has a voice."""

    part: str
    name: str
    unit: str
    better: Better
    estimates: dict[str, Estimate]  # by the name of the arm
    by_seed: dict[str, list[float]]  # the means of its runs
    recorded: float | None  # of the recordings, where they have it
    spread: float  # of seeds: standard deviation, pooled over all objectives
    least_found: float  # the smallest difference that could have been found

    @property
    def title(self) -> str:
        """Part and name."""
        return f"{self.part}: {self.name}"


@dataclass(frozen=True)
class Comparison:
    """An objective and the reference, in one metric."""

    metric: str
    objective: str
    difference: Estimate  # objective minus reference
    p_value: float
    adjusted: float  # by Holm, over all comparisons of the study
    larger_than_seeds: bool
    is_better: bool | None  # where it is larger: whether the objective is better than the reference


@dataclass(frozen=True)
class Study:
    """All that was found."""

    settings: str
    overrides: tuple[str, ...]
    resolved: dict[str, Any]  # the settings of the first run
    budget: Budget
    seeds: int
    reference: str
    sentences: list[dict[str, str]]
    versions: dict[str, str]
    device: str
    arms: list[ArmResult]
    runs: list[RunResult]
    metrics: list[MetricResult]
    comparisons: list[Comparison]
    without: dict[str, str]  # metrics that could not be measured here, and why


def summarise(
    asked: StudyArguments, outcomes: Mapping[PlannedRun, Outcome], evaluations: Evaluations, *, device: str
) -> Study:
    """Bring together how the runs ended and what was measured.

    Args:
        asked: what the study is.
        outcomes: of every run.
        evaluations: of every run that finished.
        device: that trained.
    """
    runs = [_run_result(run, outcomes[run], evaluations.get(run), asked.output) for run in asked.runs]
    metrics, values, without = _metrics(asked, evaluations)
    reference = asked.arms[0].name
    return Study(
        settings=str(asked.settings),
        overrides=asked.overrides,
        resolved=asked.runs[0].config.model_dump(exclude_none=True, mode="json"),
        budget=asked.budget,
        seeds=asked.seeds,
        reference=reference,
        sentences=next(iter(evaluations.values()))["sentences"] if evaluations else [],
        versions={"parlance": version(), "python": platform.python_version(), "torch": torch.__version__},
        device=device,
        arms=[_arm_result(asked, arm.name, runs) for arm in asked.arms],
        runs=runs,
        metrics=metrics,
        comparisons=_comparisons(metrics, values, reference),
        without=without,
    )


def write_study(study: Study, conclusion: Sequence[str], path: Path) -> None:
    """Write `study.json`; NaN becomes null.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    found = {"format": "parlance-objectives-1", "conclusion": list(conclusion), **asdict(study)}
    with replacing(path) as file:
        file.write(to_json(found, indent=1, inf_nan_mode="null") + b"\n")


def _run_result(run: PlannedRun, ended: Outcome, evaluation: dict[str, Any] | None, output: Path) -> RunResult:
    folder = run.folder.relative_to(output)
    rows = evaluation["voices"][0]["rows"] if evaluation else []
    return RunResult(
        objective=run.arm.name,
        seed=run.seed,
        ended=ended.ended,
        step=ended.step,
        why=ended.why,
        cost=outcome.read_cost(run),
        settings=str(folder / "config.toml"),
        curves=str(folder / "metrics.jsonl"),
        evaluation=str(folder / measurement.FILE) if evaluation else None,
        metrics={f"{row['part']}: {row['name']}": _mean_of_known(row["values"].values()) for row in rows},
    )


def _arm_result(asked: StudyArguments, name: str, runs: Sequence[RunResult]) -> ArmResult:
    (arm,) = (arm for arm in asked.arms if arm.name == name)
    own = [run for run in runs if run.objective == name]
    steps = sum(run.cost.steps for run in own)
    per_step = [
        sum(getattr(run.cost, kind) for run in own) / steps if steps else math.nan
        for kind in ("processor_seconds", "seconds")
    ]
    return ArmResult(
        name=name,
        objective=arm.objective,
        overrides=arm.overrides,
        runs=len(own),
        diverged=Counter(run.ended for run in own)["diverged"],
        processor_seconds_per_step=per_step[0],
        seconds_per_step=per_step[1],
        discriminator_updates=float(np.mean([run.cost.discriminator_updates for run in own])),
    )


def _metrics(
    asked: StudyArguments, evaluations: Evaluations
) -> tuple[list[MetricResult], list[dict[str, Values]], dict[str, str]]:
    """Every metric that has values, the values [S, N] of each by arm, and why others have none."""
    rows_of: list[dict[str, Any]] = []
    values_of: list[dict[str, Values]] = []
    without: dict[str, str] = {}
    ids = [sentence["id"] for sentence in next(iter(evaluations.values()))["sentences"]] if evaluations else []
    rows = {
        run: {(row["part"], row["name"]): row for row in found["voices"][0]["rows"]}
        for run, found in evaluations.items()
    }
    for key, row in next(iter(rows.values()), {}).items():
        if row["note"]:
            without[f"{key[0]}: {key[1]}"] = row["note"]
            continue
        values = {
            arm.name: np.array([[_number(rows[run][key]["values"].get(id)) for id in ids] for run in own])
            for arm in asked.arms
            if (own := [run for run in rows if run.arm is arm])
        }
        values = {name: one for name, one in values.items() if not np.isnan(one).all()}
        if values:
            rows_of.append(row)
            values_of.append(values)
    comparisons = sum(len(values) - 1 for values in values_of if asked.arms[0].name in values)
    metrics = [_metric(row, own, asked.arms[0].name, comparisons) for row, own in zip(rows_of, values_of, strict=True)]
    return metrics, values_of, without


def _metric(row: dict[str, Any], values: Mapping[str, Values], reference: str, comparisons: int) -> MetricResult:
    spread = spread_of_seeds(list(values.values()))
    recorded = [_number(value) for value in row["recorded"].values()]
    return MetricResult(
        part=row["part"],
        name=row["name"],
        unit=row["unit"],
        better=row["better"],
        estimates={name: estimate(one) for name, one in values.items()},
        by_seed={name: run_means(one).tolist() for name, one in values.items()},
        recorded=float(np.nanmean(recorded)) if recorded else None,
        spread=spread.deviation,
        least_found=least_found(spread, len(values[reference]), comparisons) if comparisons else math.nan,
    )


def _comparisons(
    metrics: Sequence[MetricResult], values_of: Sequence[dict[str, Values]], reference: str
) -> list[Comparison]:
    pairs: list[tuple[MetricResult, str, Difference]] = []
    for metric, values in zip(metrics, values_of, strict=True):
        if reference in values:
            spread = spread_of_seeds(list(values.values()))
            pairs += [
                (metric, name, difference(one, values[reference], spread))
                for name, one in values.items()
                if name != reference
            ]
    adjusted = holm([found.p_value for _, _, found in pairs])
    return [_comparison(*pair, p) for pair, p in zip(pairs, adjusted, strict=True)]


def _comparison(metric: MetricResult, objective: str, found: Difference, adjusted: float) -> Comparison:
    """Whether a difference is larger than the spread of seeds, by both: the interval, and the corrected t-test."""
    apart = found.estimate.low > 0 or found.estimate.high < 0
    larger = bool(adjusted < SIGNIFICANCE and apart)
    is_better = (found.estimate.mean > 0) == (metric.better == "higher") if larger else None
    return Comparison(metric.title, objective, found.estimate, found.p_value, adjusted, larger, is_better)


def _mean_of_known(values: Iterable[float | None]) -> float:
    """The mean over sentences, as in all of a study: those of error rates in a table are weighted."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else math.nan


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
