"""Runs of real recordings: the good ones are not accused, and of those broken on purpose each is recognised.

`python -m tests.benchmarks.recorded_runs` records them into tests/training/verdict/runs/NAME, and the one that pages
are compared with into evaluation/curves/reference.
"""

from pathlib import Path

import pytest

from evaluation.curves.opened import SHIPPED_REFERENCE
from training.verdict.verdict import Finding, read_run, verdict

RUNS = Path(__file__).parent / "runs"

GOOD = ("good_one_voice", "reference", "good_speakers", "good_paper_rate")

# What was broken on purpose, and the rules of which one at least must say so.
BROKEN: dict[str, set[str]] = {
    "broken_learning_rate": {"learning_rate_too_high"},
    "broken_gradients": {"learning_rate_too_high"},
    "broken_frozen_judges": {"discriminator_asleep"},
    "broken_no_kl": {"kl_exploding"},
    "broken_mislabelled": {"texts_tell_nothing"},
    "broken_one_clip": {"learnt_by_heart"},
    "broken_called_22050": {"speaking_rate_unlikely"},
    "broken_upsampled": {"bandwidth_missing"},
}
# What may be said of a good run of so few steps; and the speakers' recordings are four minutes.
MAY_BE_NOTICED = {
    *("validation_costly", "saving_costly", "averages_behind", "loudness_off", "length_off", "outlook"),
    "too_little_data",
}

FOLDERS = {folder.name: folder for folder in (SHIPPED_REFERENCE, *RUNS.iterdir()) if folder.is_dir()}
PRESENT = sorted(FOLDERS)


def findings(name: str) -> dict[str, Finding]:
    return {found.rule: found for found in verdict(read_run(FOLDERS[name]))}


def test_every_run_was_recorded_and_no_other() -> None:
    assert {*PRESENT} == {*GOOD, *BROKEN}


@pytest.mark.parametrize("name", [name for name in PRESENT if name in GOOD])
def test_a_good_run_is_not_accused(name: str) -> None:
    found = findings(name)
    assert {rule: item for rule, item in found.items() if item.severity == "problem"} == {}
    assert {rule for rule, item in found.items() if item.severity == "notice"} <= MAY_BE_NOTICED


@pytest.mark.parametrize("name", [name for name in PRESENT if name in BROKEN])
def test_a_broken_run_is_recognised(name: str) -> None:
    accused = {rule for rule, item in findings(name).items() if item.severity != "ok"}
    assert accused & BROKEN[name], f"only {sorted(accused)} was said"
