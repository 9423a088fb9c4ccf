"""The sentences of a study follow from its numbers."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.objectives.conclusion import conclude
from tests.evaluation.objectives.made_studies import WHY, make_study

TWO = "least_squares,other:least_squares+loss.kl=2"


def test_equal_objectives_are_said_to_show_no_difference(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO)
    first = conclude(study)[0]
    assert first == (
        "Of 3 comparisons with least_squares (1 objective in 3 metrics), none is a difference larger than the spread "
        "of seeds."
    )
    assert not any(one.larger_than_seeds for one in study.comparisons)


def test_an_objective_that_is_worse_is_named_with_both_values(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO, worse={"other": 0.3})
    told = conclude(study)
    assert told[0].startswith("Of 3 comparisons with least_squares (1 objective in 3 metrics), 3 are differences")
    mel, pesq, _ = study.metrics
    assert told[1].startswith(
        f"other is worse than least_squares in 2 metrics of reconstruction (mel distance "
        f"{mel.estimates['other'].mean:#.3g} against {mel.estimates['least_squares'].mean:#.3g} nats, PESQ "
        f"{pesq.estimates['other'].mean:#.3g} against {pesq.estimates['least_squares'].mean:#.3g} MOS)"
    )
    assert {one.is_better for one in study.comparisons} == {False}  # PESQ is lower, the others are higher


def test_an_objective_that_is_better_is_said_to_be(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO, worse={"other": -0.3})
    assert conclude(study)[1].startswith("other is better than least_squares in 2 metrics of reconstruction")


def test_the_means_are_those_of_all_values(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO)
    for metric in study.metrics:
        for name, one in metric.estimates.items():
            own = [run.metrics[metric.title] for run in study.runs if run.objective == name]
            assert metric.by_seed[name] == pytest.approx(own)
            assert one.mean == pytest.approx(np.mean(own))
            assert one.low < one.mean < one.high


def test_divergences_are_told_with_seed_and_step_and_are_in_no_mean(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO, diverged={"other": 2})
    assert "other diverged in 2 of 3 runs: seed 1 before step 340 and seed 2 before step 340." in conclude(study)
    assert [run.why for run in study.runs if run.ended == "diverged"] == [WHY, WHY]
    assert [len(metric.by_seed["other"]) for metric in study.metrics] == [1, 1, 1]
    assert {arm.name: arm.diverged for arm in study.arms} == {"least_squares": 0, "other": 2}


def test_where_the_reference_has_no_voice_nothing_is_compared(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO, diverged={"least_squares": 3})
    assert conclude(study)[0] == "No run of least_squares gave a voice, so that nothing can be compared with it."
    assert not study.comparisons


def test_with_one_seed_no_difference_is_claimed_however_large(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO, worse={"other": 5.0}, seeds=1)
    assert conclude(study)[0].startswith("Every objective has one run: how much seeds alone change the metrics")
    assert not any(one.larger_than_seeds for one in study.comparisons)


def test_a_metric_that_could_not_be_measured_is_left_out_with_its_reason(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, TWO, note="pesq is not installed")
    assert study.without == {"reconstruction: PESQ": "pesq is not installed"}
    assert [metric.name for metric in study.metrics] == ["mel distance", "phoneme error rate"]


def test_what_is_larger_than_the_spread_of_seeds_is_at_least_what_could_have_been_found(tmp_path: Path) -> None:
    study, _ = make_study(tmp_path, "least_squares,a:least_squares+loss.kl=2,b:least_squares+loss.kl=3", worse={"b": 1})
    least = {metric.title: metric.least_found for metric in study.metrics}
    for one in study.comparisons:
        assert one.larger_than_seeds == (one.objective == "b")
        if one.larger_than_seeds:
            assert abs(one.difference.mean) > least[one.metric]
