"""Runs of real recordings: the good ones are not accused, and of those broken on purpose each is recognised.

`python -m tests.benchmarks.recorded_runs` records them into tests/monitoring/runs/NAME, and the one that pages
are compared with into monitoring/page/reference.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.diagnosis import Finding, diagnose, read_run
from monitoring.page.runs import SHIPPED_REFERENCE

RUNS = Path(__file__).parent / "runs"

GOOD = ("good_one_voice", "reference", "good_speakers", "good_paper_rate")

# What was broken on purpose, and the rules of which one at least must say so.
BROKEN: dict[str, set[str]] = {
    "broken_learning_rate": {"learning_rate_too_high"},
    "broken_gradients": {"learning_rate_too_high"},
    "broken_frozen_discriminators": {"discriminator_not_learning"},
    "broken_no_kl": {"kl_exploding"},
    "broken_mislabelled": {"text_not_used"},
    "broken_long_silences": {"text_not_used"},
    "broken_one_clip": {"memorised"},
    "broken_called_22050": {"speaking_rate_unlikely"},
    "broken_upsampled": {"bandwidth_missing"},
}
# The good runs that go on for long enough to find their alignment.
ALIGNED = {"good_one_voice", "reference"}
# What may be said of a good run of so few steps; and the speakers' recordings are four minutes.
MAY_BE_NOTICED = {
    *("validation_costly", "saving_costly", "ema_behind", "loudness_off", "length_off", "outlook"),
    "too_little_data",
}

FOLDERS = {folder.name: folder for folder in (SHIPPED_REFERENCE, *RUNS.iterdir()) if folder.is_dir()}
PRESENT = sorted(FOLDERS)


def findings(name: str) -> dict[str, Finding]:
    return {found.rule: found for found in diagnose(read_run(FOLDERS[name]))}


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


@pytest.mark.parametrize("name", [name for name in PRESENT if name in BROKEN])
def test_a_broken_run_is_not_told_to_keep_going(name: str) -> None:
    outlook = findings(name)["outlook"]
    assert outlook.severity != "ok"
    assert outlook.sentence.startswith(("Stop, and first mend", "First listen to some recordings"))


@pytest.mark.parametrize("name", PRESENT)
def test_the_alignment_is_said_to_have_formed_where_it_has(name: str) -> None:
    """Fault: it was said of untrained networks, and of one that knows a single recording."""
    assert ("alignment_formed" in findings(name)) == (name in ALIGNED)


def test_the_alignment_is_said_to_have_formed_soon_after_it_has() -> None:
    """The gain of the shipped run stays below 0.03 until step 900, and is above 0.2 from step 1100 on."""
    run = read_run(SHIPPED_REFERENCE)
    said = []
    for last in range(100, 3001, 100):
        curves = {name: curve.between(-1, last) for name, curve in run.curves.items()}
        if any(found.rule == "alignment_formed" for found in diagnose(replace(run, curves=curves))):
            said.append(last)
    assert 1100 < said[0] <= 1500
    assert said == list(range(said[0], 3001, 100))
