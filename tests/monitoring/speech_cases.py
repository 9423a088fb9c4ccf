"""Cases of the rules of what is learned: alignment, text, loudness and length, and whether it holds for validation."""

from collections.abc import Callable
from typing import Any

import numpy as np

from monitoring.run import Run
from tests.monitoring.pencil import STEPS, run_of
from tests.monitoring.pencil import settings as experiment
from tests.monitoring.rule_case import Case, at


def turning(loss: str, rise: float, fall: float = 0.5) -> Run:
    """Both losses fall to 1 in the first half; then validation rises by so much and training falls by so much."""

    def then(change: float) -> Callable[[Any], Any]:
        return lambda steps: np.where(steps < STEPS / 2, 1.5 - steps / STEPS, 1 + change * (2 * steps / STEPS - 1))

    return run_of({f"loss/generator/{loss}": then(-fall), f"validation/{loss}": then(rise)})


SPEECH_CASES = [
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
