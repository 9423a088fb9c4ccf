"""Cases of the rules of what a run is given: its recordings, and its time."""

import numpy as np

from tests.monitoring.pencil import run_of
from tests.monitoring.rule_case import Case, at

CORPUS_CASES = [
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
]
