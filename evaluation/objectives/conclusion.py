"""What a study found, in sentences that follow from its numbers and from nothing else."""

import math
from collections.abc import Iterator, Sequence

from evaluation.objectives.measurement import REHEARD
from evaluation.objectives.results import ArmResult, Comparison, MetricResult, Study
from evaluation.output import counted


def conclude(study: Study) -> list[str]:
    """The sentences of a study, the most important first."""
    return [*_differences(study), *_divergences(study), *_cost(study), *_limits(study)]


def shown(value: float) -> str:
    """Three digits; a dash where there is no number."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value + 0.0:#.3g}".rstrip(".")


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _differences(study: Study) -> Iterator[str]:
    reference, compared = study.reference, study.comparisons
    if not compared:
        voices = list(dict.fromkeys(name for metric in study.metrics for name in metric.estimates))
        if reference not in voices and voices:
            yield f"No run of {reference} gave a voice, so that nothing can be compared with it."
        elif len(voices) < 2:
            yield "Fewer than two objectives gave a voice: there is nothing to compare."
        return
    if all(math.isnan(one.p_value) for one in compared):
        yield (
            "Every objective has one run: how much seeds alone change the metrics is not known, so that no difference "
            "is said to be one. Give --seeds 3 or more."
        )
        return
    found = [one for one in compared if one.larger_than_seeds]
    arms, metrics = len({one.objective for one in compared}), len({one.metric for one in compared})
    made = f"{counted(len(compared), 'comparison')} with {reference} ({counted(arms, 'objective')} in "
    made += f"{counted(metrics, 'metric')})"
    if not found:
        yield f"Of {made}, none is a difference larger than the spread of seeds."
        return
    is_are = "is a difference" if len(found) == 1 else "are differences"
    yield f"Of {made}, {len(found)} {is_are} larger than the spread of seeds."
    for name in dict.fromkeys(one.objective for one in found):
        for word, which in (("better", True), ("worse", False)):
            own = [one for one in found if one.objective == name and one.is_better is which]
            if own:
                yield f"{name} is {word} than {reference} in {listed(_by_part(own, study))}."
    equal = [name for name in _compared_arms(study) if not any(one.objective == name for one in found)]
    if equal:
        yield f"{listed(equal)}: in no metric a difference from {reference} that is larger than the spread of seeds."


def _by_part(own: Sequence[Comparison], study: Study) -> list[str]:
    """`2 metrics of reconstruction (mel distance 0.51 against 0.55 nats, PESQ 1.9 against 1.7 MOS)`, for each part."""
    metrics = {metric.title: metric for metric in study.metrics}
    parts = dict.fromkeys(metrics[one.metric].part for one in own)
    told = []
    for part in parts:
        of_part = [one for one in own if metrics[one.metric].part == part]
        values = ", ".join(_values(metrics[one.metric], one.objective, study.reference) for one in of_part)
        told.append(f"{counted(len(of_part), 'metric')} of {_short(part)} ({values})")
    return told


def _values(metric: MetricResult, objective: str, reference: str) -> str:
    own, other = (shown(metric.estimates[name].mean) for name in (objective, reference))
    return f"{metric.name} {own} against {other}{' ' if metric.unit else ''}{metric.unit}"


def _short(part: str) -> str:
    """The part of a metric, within a sentence."""
    return {"intelligibility": "the intelligibility of text to speech", REHEARD: f"the {REHEARD}"}.get(part, part)


def _compared_arms(study: Study) -> list[str]:
    return list(dict.fromkeys(one.objective for one in study.comparisons))


def _divergences(study: Study) -> Iterator[str]:
    diverged = [arm for arm in study.arms if arm.diverged]
    if not diverged:
        yield f"None of the {counted(len(study.runs), 'run')} diverged."
    for arm in diverged:
        own = [run for run in study.runs if run.objective == arm.name and run.ended == "diverged"]
        steps = listed([f"seed {run.seed} before step {run.step}" for run in own])
        yield f"{arm.name} diverged in {arm.diverged} of {counted(arm.runs, 'run')}: {steps}."


def _cost(study: Study) -> Iterator[str]:
    known = [arm for arm in study.arms if math.isfinite(arm.processor_seconds_per_step)]
    if len(known) < 2:
        return
    *_, dearest = by_cost = sorted(known, key=lambda arm: arm.processor_seconds_per_step)
    cheapest = by_cost[0]
    yield f"A step took from {_per_step(cheapest)} to {_per_step(dearest)}."


def _per_step(arm: ArmResult) -> str:
    return f"{shown(arm.processor_seconds_per_step)} processor seconds ({arm.name})"


def _limits(study: Study) -> Iterator[str]:
    """What could not have been found."""
    told = [
        f"{shown(metric.least_found)}{' ' * bool(metric.unit)}{metric.unit} in {metric.name} of {_short(metric.part)}"
        for metric in _main(study.metrics)
        if math.isfinite(metric.least_found)
    ]
    if told and study.comparisons:
        budget = study.budget
        of = f"{budget.steps} steps" if budget.steps is not None else f"{budget.seconds:g} seconds"
        yield (
            f"With {counted(study.seeds, 'seed')} and {counted(len(study.sentences), 'sentence')}, differences below "
            f"about {listed(told)} would not have been found; and what {of} show need not hold for a longer training."
        )


def _main(metrics: Sequence[MetricResult]) -> list[MetricResult]:
    return [metric for metric in metrics if metric.name in ("mel distance", "PESQ", "phoneme error rate")]
