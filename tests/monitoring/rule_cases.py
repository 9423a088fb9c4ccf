"""The cases of test_diagnosis_rules.py: for each rule, runs on both sides of a threshold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring.diagnosis import Severity
from monitoring.run import Run
from tests.monitoring.pencil import STEPS, Height, balance, run_of
from tests.monitoring.pencil import settings as experiment

GAP = float("nan")


def after(step: float, value: float, before: float = 0.0) -> Callable[[Any], Any]:
    """A curve that jumps to a value after a step."""
    return lambda steps: np.where(steps > step, value, before)


def falling(height: float, share: float) -> Callable[[Any], Any]:
    """A curve that falls by this share after half of the run."""
    return lambda steps: np.where(steps > STEPS / 2 + 400, height - height * share, height)


def at(name: str) -> Callable[[float], Run]:
    """Good runs but for one curve, which has the same height at every step."""
    return lambda x: run_of({name: x})


def turning(loss: str, rise: float, fall: float = 0.5) -> Run:
    """Both losses fall to 1 in the first half; then validation rises by so much and training falls by so much."""

    def then(change: float) -> Callable[[Any], Any]:
        return lambda steps: np.where(steps < STEPS / 2, 1.5 - steps / STEPS, 1 + change * (2 * steps / STEPS - 1))

    return run_of({f"loss/generator/{loss}": then(-fall), f"validation/{loss}": then(rise)})


@dataclass(frozen=True)
class Case:
    """A rule, a run for any height, and two heights with a threshold between them: what is said at each."""

    rule: str
    run: Callable[[float], Run]
    quiet: float
    loud: float
    severity: Severity  # at the loud one
    told: str
    less: Severity | None = None  # at the quiet one; None where nothing is said


FLAT_MEL: dict[str, Height] = {"loss/generator/mel": 0.7, "validation/mel": 0.7}


CASES = [
    Case(
        "discriminator_winning",
        lambda x: run_of(FLAT_MEL | balance(real=x, generated=0.02, accuracy_real=0.97, accuracy_generated=0.99)),
        0.085,
        0.07,
        "problem",
        "an accuracy of 97 % on recordings and 99 % on generated audio, and a loss of 0.09 per sub-discriminator",
    ),
    Case(
        "discriminator_winning",
        lambda x: run_of(balance(real=0.02, generated=0.02, accuracy_real=x, accuracy_generated=0.99)),
        0.94,
        0.96,
        "notice",
        "still come closer",
    ),
    Case(
        "discriminator_not_learning",
        lambda x: run_of(balance(real=x, generated=0.25)),
        0.34,
        0.36,
        "problem",
        "a loss of 0.61 per sub-discriminator",
    ),
    Case(
        "discriminator_not_learning",
        lambda x: run_of(balance(real=0.25, generated=0.25, accuracy_real=x, accuracy_generated=0.5)),
        0.57,
        0.55,
        "notice",
        "it is guessing",
    ),
    Case(
        "discriminator_not_learning",
        lambda x: run_of(balance(real=0.25, generated=x, accuracy_real=0.5, accuracy_generated=0.5)),
        0.235,
        0.245,
        "notice",
        "it is guessing",
    ),
    Case(
        "discriminator_winning",
        lambda x: run_of(
            balance(real=0.01, generated=0.01, accuracy_real=1, accuracy_generated=1)
            | {"validation/mel": falling(0.7, x)}
        ),
        0.012,
        0.008,
        "problem",
        "no longer come closer",
        less="notice",
    ),
    Case(
        "discriminator_winning",
        lambda x: run_of(
            balance(real=0.02, generated=0.02, accuracy_real=x, accuracy_generated=0.99),
            config=experiment("loss.adversarial=0", "loss.feature_matching=0"),
        ),
        0.94,
        0.96,
        "problem",
        "loss.adversarial and loss.feature_matching are 0",
    ),
    Case(
        "mel_stuck",
        lambda x: run_of({"loss/generator/mel": x, "validation/mel": x}),
        1.19,
        1.21,
        "problem",
        "1.21 nats",
    ),
    Case(
        "mel_stuck",
        lambda x: run_of({"validation/mel": falling(3, x)}),
        0.055,
        0.045,
        "problem",
        "2.87 nats and was 3 ",
    ),
    Case(
        "mel_plateaued", lambda x: run_of({"validation/mel": falling(0.7, x)}), 0.011, 0.009, "notice", "does not mean"
    ),
    Case("mel_plateaued", at("validation/mel"), 1.21, 1.19, "notice", "end near 0.4"),
    Case("mel_plateaued", at("validation/mel"), 0.59, 0.61, "notice", "end near 0.4", less="ok"),
    Case("kl_exploding", at("validation/kl"), 7.9, 8.1, "notice", "8.1 nats per frame"),
    Case("kl_exploding", at("validation/kl"), 19.9, 20.1, "problem", "20.1 nats", less="notice"),
    Case(
        "kl_exploding",
        lambda x: run_of({"validation/kl": x}, config=experiment("loss.kl=0")),
        7.9,
        8.1,
        "problem",
        "loss.kl is 0",
    ),
    Case(
        "kl_collapsed",
        lambda x: run_of({"validation/kl": 0.04, "validation/mel": x}),
        0.79,
        0.81,
        "problem",
        "0.04 nats per frame",
        less="notice",
    ),
    Case("kl_collapsed", at("validation/kl"), 0.06, -0.01, "notice", "-0.01 nats"),
    Case("gradients_not_finite", at("skipped_updates/generator"), 0.04, 0.06, "notice", "6 %"),
    Case("gradients_not_finite", at("skipped_updates/discriminator"), 0.49, 0.51, "problem", "51 %", less="notice"),
    Case(
        "gradients_not_finite",
        lambda x: run_of({"loss/generator/mel": after(x, GAP, 1.0)}),
        STEPS - 200,
        STEPS - 250,
        "problem",
        "not numbers since step 3750",
    ),
    Case(
        "gradients_spiking",
        lambda x: run_of({"gradient_norm_max/generator": lambda s: np.where(s % 200 == 0, x, 300)}),
        5900,
        6100,
        "notice",
        "6.1e+03, where 200 is usual",
    ),
    Case(
        "gradients_spiking",
        lambda x: run_of({"gradient_norm_max/discriminator": lambda s: np.where(s % x == 0, 900, 30)}, steps=16000),
        1250,
        1000,
        "notice",
        "4 of 80 reports",
    ),
    Case(
        "gradients_growing",
        lambda x: run_of({"gradient_norm/generator": after(STEPS / 2, x, 100)}),
        900,
        1100,
        "notice",
        "from 100 in the second quarter of the run to 1.1e+03",
    ),
    Case(
        "learning_rate_too_high",
        lambda x: run_of({"schedule/learning_rate": x, "loss/generator/mel": 1.5, "validation/mel": 1.5}),
        9e-4,
        1.1e-3,
        "problem",
        "0.0011 (the paper's is 2e-4)",
    ),
    Case(
        "learning_rate_too_high",
        lambda x: run_of({"schedule/learning_rate": 0.002, "loss/generator/mel": x}),
        0.9,
        1.1,
        "problem",
        "1.1 nats",
    ),
    Case(
        "learning_rate_too_high",
        lambda x: run_of({"schedule/learning_rate": 0.02, "loss/generator/mel": falling(1.5, x)}),
        0.055,
        0.045,
        "problem",
        "too large to converge",
        less="notice",
    ),
    Case(
        "learning_rate_too_high",
        lambda x: run_of({"schedule/learning_rate": x, "skipped_updates/generator": 0.9}),
        9e-4,
        1.1e-3,
        "problem",
        "no finite gradients left",
    ),
    Case(
        "learning_rate_too_high",
        lambda x: run_of({"schedule/learning_rate": x, "validation/text_gain": 0.0}, steps=800),
        4.9e-3,
        5.1e-3,
        "problem",
        "0 nats",
    ),
    Case(
        "learning_rate_too_low",
        lambda x: run_of({"schedule/learning_rate": x, "loss/generator/mel": 1.3}),
        2.1e-5,
        1.9e-5,
        "notice",
        "1.9e-05",
    ),
    Case(
        "learning_rate_too_low",
        lambda x: run_of({"schedule/learning_rate": 1e-5, "loss/generator/mel": x}),
        0.9,
        1.1,
        "notice",
        "1.1 nats",
    ),
    Case(
        "learning_rate_flat",
        lambda x: run_of({"schedule/learning_rate": 2e-4}, config=experiment(f"train.learning_rate_decay={x}")),
        0.999,
        0.99,
        "notice",
        "0.0002 over 50 epochs, where train.learning_rate_decay should have left 61 %",
    ),
    Case(
        "learning_rate_flat",
        lambda x: run_of(
            {"schedule/learning_rate": after(STEPS / 2, x, 2e-4)}, config=experiment("train.learning_rate_decay=0.99")
        ),
        1.96e-4,
        1.99e-4,
        "notice",
        "not followed",
    ),
    Case(
        "learning_rate_finished",
        lambda x: run_of({"schedule/learning_rate": after(0.9 * STEPS, x, 2e-4)}),
        2.1e-6,
        1.9e-6,
        "notice",
        "since step 3600",
    ),
    Case(
        "learning_rate_finished",
        lambda x: run_of({"schedule/learning_rate": after(0.4 * STEPS, x, 2e-4)}),
        2.1e-6,
        7e-111,
        "problem",
        "to 7e-111",
    ),
    Case("alignment_never_formed", at("validation/longest_phoneme_share"), 0.29, 0.31, "notice", "31 % of the frames"),
    Case(
        "alignment_never_formed",
        at("validation/longest_phoneme_share"),
        0.49,
        0.51,
        "problem",
        "51 % of the frames",
        less="notice",
    ),
    Case(
        "alignment_never_formed",
        lambda x: run_of({"validation/text_gain": x, "validation/kl": 0.5}, steps=11_200),
        0.11,
        0.09,
        "notice",
        "the alignment has not formed: its own text",
    ),
    Case(
        "alignment_never_formed",
        lambda x: run_of({"validation/text_gain": x, "validation/kl": 2.0}, steps=11_200),
        0.4,
        0.3,
        "notice",
        "13 % of what another's leaves",
    ),
    Case(
        "alignment_never_formed",
        lambda x: run_of({"validation/text_gain": 0.03}, steps=int(x)),
        10_900,
        11_200,
        "notice",
        "0.03 nats",
    ),
    Case(
        "text_not_used", lambda x: run_of({"validation/text_gain": x}, steps=8000), 0.011, 0.009, "notice", "0.009 nats"
    ),
    Case(
        "text_not_used",
        lambda x: run_of({"validation/text_gain": -0.0004}, steps=int(x)),
        10_900,
        11_200,
        "problem",
        "-0.0004 nats",
        less="notice",
    ),
    Case("loudness_off", at("validation/loudness_db"), -2.9, -3.1, "notice", "3.1 LU quieter"),
    Case("loudness_off", at("validation/loudness_db"), 2.9, 3.1, "notice", "3.1 LU louder"),
    Case("loudness_off", at("validation/loudness_db"), -19, -21, "problem", "21.0 LU quieter", less="notice"),
    Case("length_off", at("validation/length_ratio"), 1.24, 1.26, "notice", "1.26 times"),
    Case("length_off", at("validation/length_ratio"), 0.51, 0.49, "problem", "0.49 times", less="notice"),
    Case("length_off", at("validation/length_ratio"), 0.81, 0.79, "notice", "0.79 times"),
    Case("data_bound", at("time/data"), 0.19, 0.21, "notice", "21 %"),
    Case(
        "validation_costly",
        lambda x: run_of({"time/validation": lambda s: np.where(s % 200 == 0, x, 0)}),
        0.39,
        0.45,
        "notice",
        "11 %",
    ),
    Case("saving_costly", at("time/saving"), 0.09, 0.11, "notice", "11 %"),
    Case("bandwidth_missing", lambda x: run_of(corpus={"bandwidth_hz": x}), 9400, 9300, "notice", "above 9300 Hz"),
    Case("speaking_rate_unlikely", lambda x: run_of(corpus={"phonemes_per_second": x}), 17.2, 17.4, "notice", "17.4"),
    Case(
        "speaking_rate_unlikely", lambda x: run_of(corpus={"phonemes_per_second": x}), 7.1, 6.9, "notice", "fewer than"
    ),
    *(
        Case(
            "speaking_rate_unlikely",
            lambda x: run_of(corpus={"phonemes_per_second": x}),
            less,
            more,
            "problem",
            how,
            "notice",
        )
        for less, more, how in ((20.9, 21.1, "more than"), (5.1, 4.9, "fewer than"))
    ),
    Case("too_little_data", lambda x: run_of(corpus={"hours": x / 60}), 10.1, 9.9, "notice", "9.9 minutes"),
    Case(
        "too_little_data", lambda x: run_of(corpus={"hours": x / 60}), 1.1, 0.9, "problem", "0.9 minutes", less="notice"
    ),
    Case("too_little_data", lambda x: run_of(corpus={"clips": x}), 10, 9, "problem", "9 recordings"),
    Case("validation_rising", lambda x: turning("mel", x), 0.022, 0.026, "notice", "lowest at step 2000 (1"),
    Case("validation_rising", lambda x: turning("mel", 0.1, x), 0.012, 0.015, "notice", "lowest at step 2000 (1"),
    Case("durations_overfitting", lambda x: turning("duration", x), 0.1, 0.13, "notice", "lowest at step 2000 (1"),
    Case("durations_overfitting", lambda x: turning("duration", 0.2, x), 0.024, 0.03, "notice", "lowest at step"),
    Case(
        "memorised",
        lambda x: run_of({"loss/generator/mel": 0.5, "validation/mel": x, "loss/generator/kl": 1, "validation/kl": 4}),
        0.79,
        0.81,
        "problem",
        "0.5 nats and that of others 0.81",
    ),
    Case(
        "memorised",
        lambda x: run_of(
            {"loss/generator/mel": 0.5, "validation/mel": 1.5, "loss/generator/kl": 1, "validation/kl": x}
        ),
        1.5,
        1.7,
        "problem",
        "1 and 1.7",
    ),
    Case(
        "ema_behind",
        lambda x: run_of({"validation/score": x, "validation_newest/score": 1.0}, config=experiment()),
        1.019,
        1.021,
        "notice",
        "about 1000 steps",
    ),
]
