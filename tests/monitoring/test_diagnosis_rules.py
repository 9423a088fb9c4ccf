"""Each rule speaks on one side of its threshold and not on the other; a good run is not accused."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.training import AdversarialObjectiveName
from monitoring import rules
from monitoring.curves import Curve
from monitoring.diagnosis import RULES, diagnose
from monitoring.run import Run
from tests.monitoring.corpus_cases import CORPUS_CASES
from tests.monitoring.learning_cases import LEARNING_CASES
from tests.monitoring.pencil import CORPUS, STEPS, Height, balance, drawn, good_heights, mel, run_of
from tests.monitoring.pencil import settings as experiment
from tests.monitoring.rule_case import GAP, Case, after
from tests.monitoring.speech_cases import SPEECH_CASES

CASES = [*LEARNING_CASES, *SPEECH_CASES, *CORPUS_CASES]

# What says that all is well, and a curve that takes it away.
OKS: dict[str, dict[str, Height]] = {
    "mel_falling": {"validation/mel": 0.5},
    "kl_settled": {"validation/kl": 30.0},
    "discriminator_balanced": balance(real=0.01, generated=0.01, accuracy_real=1, accuracy_generated=1),
    "alignment_formed": {"validation/text_gain": 0.0},
    "validation_follows": {"validation/mel": lambda steps: mel(steps) + 0.5 * steps / STEPS},
    "gradients_stable": {"skipped_updates/generator": 0.2},
}

EARLY: dict[str, tuple[int, dict[str, Height]]] = {
    "discriminator_not_learning": (500, balance(real=1.0, generated=0.0)),
    "discriminator_winning": (500, balance(real=0.0, generated=0.0, accuracy_real=1.0, accuracy_generated=1.0)),
    "learning_rate_too_high": (1000, {"schedule/learning_rate": 0.02, "loss/generator/mel": 2.0}),
    "learning_rate_too_low": (1000, {"schedule/learning_rate": 1e-6, "loss/generator/mel": 2.0}),
    "kl_exploding": (500, {"validation/kl": 80.0}),
    "kl_collapsed": (500, {"validation/kl": 0.0}),
    "mel_stuck": (1000, {"loss/generator/mel": 2.0, "validation/mel": 2.0}),
    "mel_plateaued": (1000, {"loss/generator/mel": 0.5, "validation/mel": 0.5}),
    "text_not_used": (6050, {"validation/text_gain": 0.0}),
    "alignment_never_formed": (1000, {"validation/longest_phoneme_share": 0.9}),
    "loudness_off": (1000, {"validation/loudness_db": -30.0}),
    "length_off": (1000, {"validation/length_ratio": 3.0}),
    "memorised": (1000, {"loss/generator/mel": 0.1, "loss/generator/kl": 0.1}),
    "ema_behind": (1000, {"validation/score": 3.0}),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.severity}")
def test_a_rule_speaks_on_one_side_of_its_threshold_only(case: Case) -> None:
    quiet = [found.severity for found in diagnose(case.run(case.quiet)) if found.rule == case.rule]
    assert quiet == ([case.less] if case.less else [])
    loud = [found for found in diagnose(case.run(case.loud)) if found.rule == case.rule]
    assert [found.severity for found in loud] == [case.severity]
    assert case.told in loud[0].sentence


@pytest.mark.parametrize("rule", OKS)
def test_that_all_is_well_is_said_of_a_good_run_only(rule: str) -> None:
    assert [found.severity for found in diagnose(run_of()) if found.rule == rule] == ["ok"]
    assert rule not in {found.rule for found in diagnose(run_of(OKS[rule]))}


def test_that_the_recordings_fit_is_not_said_of_dull_ones() -> None:
    told = {found.rule: found.sentence for found in diagnose(run_of())}
    assert "0.57 hours of recordings, with 13.2 phonemes per second" in told["recordings_fit"]
    assert "99 % of what the sample rate can hold" in told["recordings_fit"]
    assert "recordings_fit" not in {found.rule for found in diagnose(run_of(corpus={"bandwidth_hz": 5000}))}


@pytest.mark.parametrize("reader", [10.1, 11.5, 12.5, 16.5])
def test_that_the_recordings_fit_is_not_said_of_16_khz_called_22_khz(reader: float) -> None:
    """Fault: all but the fast readers were praised; the rate alone does not tell theirs from that of a fast one."""
    found = diagnose(run_of(corpus={"phonemes_per_second": reader * 22050 / 16000}))
    assert "recordings_fit" not in {item.rule for item in found}


@pytest.mark.parametrize("missing", [0, 100])
@pytest.mark.parametrize("gain", [0.63, -0.3, 0.014])
def test_an_untrained_network_has_no_alignment_however_great_its_gain(gain: float, missing: int) -> None:
    """Fault: three steps, whose gain is chance beside a divergence of 20 nats, were said to have formed one."""
    early: dict[str, Height] = {"validation/text_gain": gain, "validation/kl": 20.0}
    steps = np.array([0, 2, 3])
    fresh = {name: Curve(steps, np.full(3, float(np.asarray(height)))) for name, height in early.items()}
    fresh["validation/longest_phoneme_share"] = Curve(steps, np.full(3, 0.1))
    for run in (Run(fresh), run_of(early, steps=600 + missing)):
        assert "alignment_formed" not in {found.rule for found in diagnose(run)}


def test_an_alignment_has_formed_when_it_has_stayed() -> None:
    """One validation with a gain is none."""
    told = []
    for since in (STEPS - 100, STEPS - 700):
        found = diagnose(run_of({"validation/text_gain": after(since, 0.8, 0.02)}))
        told.append("alignment_formed" in {item.rule for item in found})
    assert told == [False, True]


@pytest.mark.parametrize(
    ("damaged", "told"),
    [((41,), "Line 41 of"), ((2, 9), "2 lines (2, 9) of"), (range(1, 9), "8 lines (1, 2, 3, 4, 5 and 3 more) of")],
)
def test_damaged_lines_are_told(damaged: Sequence[int], told: str) -> None:
    (found,) = (item for item in diagnose(replace(run_of(), damaged=damaged)) if item.rule == "lines_damaged")
    assert found.severity == "notice"
    assert found.sentence.startswith(told)


def test_nothing_is_said_to_be_well_now_of_a_run_that_broke_long_ago() -> None:
    """Fault: five points from before were told as those of the last half of the run."""
    broken = {
        name: Curve(curve.steps, np.where(curve.steps > STEPS / 2, np.nan, curve.values))
        for name, curve in drawn(good_heights()).items()
    }
    found = [item for item in diagnose(Run(broken, corpus=CORPUS)) if not item.rule.startswith("learning_rate")]
    assert [item.rule for item in found] == ["gradients_not_finite", "recordings_fit", "outlook"]


def test_every_rule_is_tried_on_both_sides_here() -> None:
    tried = {case.rule for case in CASES} | OKS.keys() | {"recordings_fit", "lines_damaged"}
    assert {rule.__name__ for rule in RULES} == tried


def test_a_rule_finds_under_its_own_name() -> None:
    for case in CASES:
        rule = next(rule for rule in RULES if rule.__name__ == case.rule)
        assert (found := rule(case.run(case.loud)))
        assert found.rule == rule.__name__


@pytest.mark.parametrize(
    ("middle", "told"),
    [(-5, "were 5.0 LU quieter halfway: they drift away"), (-9, "they come nearer"), (-7.5, "listen to them")],
)
def test_loudness_that_drifts_is_told_from_one_that_comes_nearer(middle: float, told: str) -> None:
    found = diagnose(run_of({"validation/loudness_db": after(0.7 * STEPS, -7, middle)}))
    assert told in next(item.sentence for item in found if item.rule == "loudness_off")


def test_a_good_run_is_not_accused() -> None:
    assert [(found.rule, found.severity) for found in diagnose(run_of()) if found.severity != "ok"] == []


def test_letters_may_be_few_a_second_where_one_is_a_syllable() -> None:
    slow, letters = {"phonemes_per_second": 4.5}, experiment("data.front_end=graphemes")
    told = [{found.rule for found in diagnose(run_of(corpus=slow, config=config))} for config in (None, letters)]
    assert ["speaking_rate_unlikely" in rules for rules in told] == [True, False]
    fast = diagnose(run_of(corpus={"phonemes_per_second": 22}, config=letters))
    assert "speaking_rate_unlikely" in {found.rule for found in fast}


def test_every_setting_that_a_sentence_names_is_there() -> None:
    sections = {name: type(section) for name, section in experiment() if name != "run"}
    sources = "".join(path.read_text() for path in Path(rules.__file__).parent.glob("*.py"))
    named = set(re.findall(rf"(?<!-m )\b({'|'.join(sections)})\.([a-z_]+)", sources)) - {("data", "prepare")}
    assert ("train", "learning_rate") in named
    assert {f"{section}.{name}" for section, name in named if name not in sections[section].model_fields} == set()


def test_steps_count_for_as_much_as_their_learning_rate() -> None:
    curves = {"validation/text_gain": 0.0, "schedule/learning_rate": 2e-3}
    accused = [{found.rule for found in diagnose(run_of(curves, steps=steps))} for steps in (500, 700)]
    assert ["text_not_used" in rules for rules in accused] == [False, True]


def test_problems_come_first_and_the_outlook_last() -> None:
    found = diagnose(run_of({"validation/text_gain": 0.0, "time/data": 0.5}, steps=13_000))
    assert [item.severity for item in found[:3]] == ["problem", "notice", "ok"]
    assert {item.severity for item in found[2:-1]} == {"ok"}
    assert (found[-1].rule, found[-1].severity) == ("outlook", "problem")
    assert "(text not used)" in found[-1].sentence


@pytest.mark.parametrize("rule", EARLY)
def test_of_the_first_steps_of_a_run_nothing_is_said_that_time_may_mend(rule: str) -> None:
    early, heights = EARLY[rule]
    told = [{found.rule for found in diagnose(run_of(heights, steps=steps))} for steps in (early - 50, early)]
    assert [rule in rules for rules in told] == [False, True]


@pytest.mark.parametrize("missing", sorted(good_heights()))
def test_a_scalar_that_is_missing_or_never_a_number_accuses_nobody(missing: str) -> None:
    curves = drawn(good_heights())
    gap = Curve(curves[missing].steps, np.full(len(curves[missing]), np.nan))
    for rest in ({name: curve for name, curve in curves.items() if name != missing}, curves | {missing: gap}):
        accused = [found.rule for found in diagnose(Run(rest, corpus=CORPUS)) if found.severity == "problem"]
        assert accused == (
            ["gradients_not_finite", "outlook"] if missing in rest and missing == "loss/generator/mel" else []
        )


NAMES = [
    *good_heights(),
    "loss/generator/total",
    "seconds",
    "loss/discriminator/real/x",
    "discriminator_accuracy/real/",
    "validation/new",
]
VALUES = st.floats(allow_infinity=False) | st.sampled_from([0.0, 1.0, 0.5, GAP, 1e-300, 1e300, -1e300])
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers())


@st.composite
def any_curve(draw: st.DrawFn) -> Curve:
    steps = sorted(draw(st.sets(st.integers(0, 10**9) | st.integers(0, 5000), max_size=30)))
    if draw(st.booleans()):
        values = [draw(VALUES)] * len(steps)
    else:
        values = draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps)))
    return Curve(np.array(steps, np.int64), np.array(values, np.float64))


@given(
    st.dictionaries(st.sampled_from(NAMES), any_curve(), max_size=12),
    st.booleans(),
    st.dictionaries(st.sampled_from([*CORPUS]), ANYTHING),
    st.sampled_from([None, experiment(), experiment("loss.kl=0", "train.learning_rate_decay=0.5")]),
)
@settings(max_examples=150, deadline=None)
def test_no_curves_whatever_make_a_rule_fail(
    curves: dict[str, Curve], on_a_good_run: bool, corpus: dict[str, Any], config: Any
) -> None:
    found = diagnose(Run((drawn(good_heights()) if on_a_good_run else {}) | curves, config, corpus))
    assert [item.rule for item in found].count("outlook") == 1
    assert found[-1].rule == "outlook"
    gravity = [("problem", "notice", "ok").index(item.severity) for item in found[:-1]]
    assert gravity == sorted(gravity)
    assert all(item.sentence.endswith(".") for item in found)


@pytest.mark.parametrize(("steps", "told"), [(450, []), (600, ["discriminator_not_learning"])])
def test_a_discriminator_that_begins_late_has_its_own_first_steps(steps: int, told: list[str]) -> None:
    begins = 2000
    curves = drawn(good_heights() | balance(real=1.0, generated=0.0), begins + steps)
    late = {
        name: curve.between(begins, math.inf) if name.startswith(("loss/discriminator", "discriminator_")) else curve
        for name, curve in curves.items()
    }
    assert [each.rule for each in diagnose(Run(late)) if each.rule.startswith("discriminator_")] == told


@pytest.mark.parametrize("objective", get_args(AdversarialObjectiveName))
def test_balance_is_measured_in_the_equilibrium_of_the_objective_where_it_has_one(objective: str) -> None:
    constant = {"least_squares": (0.25, 0.25), "hinge": (1.0, 1.0), "wasserstein": (0.0, 0.0), "began": (0.4, -0.1)}
    real, generated = constant.get(objective.removesuffix("_gp"), (math.log(2), math.log(2)))  # of a constant output
    config, chance = experiment(f"loss.adversarial_objective={objective}"), {"accuracy_real": 0.5}
    told = {}
    for name, size in {"guessing": 1.0, "won": 0.1, "lost": 1.5, "balanced": 0.8}.items():
        accuracy = {"accuracy_real": 1.0, "accuracy_generated": 1.0} if name == "won" else chance
        heights = balance(real=size * real, generated=size * generated, **({"accuracy_generated": 0.5} | accuracy))
        found = diagnose(run_of(heights, config=config))
        told[name] = [each.rule for each in found if each.rule.startswith("discriminator_")]
    if objective in ("wasserstein", "wasserstein_gp", "began"):
        assert not any(told.values())
    else:
        assert told == {
            "guessing": ["discriminator_not_learning"],
            "won": ["discriminator_winning"],
            "lost": ["discriminator_not_learning"],
            "balanced": ["discriminator_balanced"],
        }
