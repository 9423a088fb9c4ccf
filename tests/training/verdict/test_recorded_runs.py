"""Runs of real recordings: the good ones are not accused, and of those broken on purpose each is recognised.

Recorded with configs/tiny.toml on LJSpeech, 2000 steps of 4 recordings: tests/training/verdict/runs/NAME.
"""

from pathlib import Path

import pytest

from training.verdict.verdict import Finding, read_run, verdict

RUNS = Path(__file__).parent / "runs"

# What was broken, and the rules of which one at least must say so.
BROKEN: dict[str, set[str]] = {
    "learning_rate_100": {"learning_rate_too_high"},
    "discriminator_frozen": {"discriminator_asleep"},
    "no_kl": {"kl_exploding"},
    "mislabelled": {"texts_tell_nothing"},
    "one_clip": {"texts_tell_nothing", "too_little_data", "learnt_by_heart"},
    "rate_in_header": {"speaking_rate_unlikely"},
    "rate_upsampled": {"bandwidth_missing"},
}
# What may be said of a good run of so few steps.
MAY_BE_NOTICED = {"validation_costly", "saving_costly", "averages_behind", "loudness_off", "length_off", "outlook"}

PRESENT = sorted(folder.name for folder in RUNS.iterdir() if folder.is_dir())
GOOD = [name for name in PRESENT if name.startswith("good_")]


def findings(name: str) -> dict[str, Finding]:
    return {found.rule: found for found in verdict(read_run(RUNS / name))}


def test_every_recorded_run_is_there_and_expected_here() -> None:
    assert {*PRESENT} - {*GOOD} == {*BROKEN}
    assert len(GOOD) >= 2


@pytest.mark.parametrize("name", GOOD)
def test_a_good_run_is_not_accused(name: str) -> None:
    found = findings(name)
    assert {rule: item for rule, item in found.items() if item.severity == "problem"} == {}
    assert {rule for rule, item in found.items() if item.severity == "notice"} <= MAY_BE_NOTICED


@pytest.mark.parametrize("name", [name for name in PRESENT if name in BROKEN])
def test_a_broken_run_is_recognised(name: str) -> None:
    accused = {rule for rule, item in findings(name).items() if item.severity != "ok"}
    assert accused & BROKEN[name], f"only {sorted(accused)} was said"
