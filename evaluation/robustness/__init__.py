"""A voice and a hundred hard texts: first whether it speaks at all, then each from its durations and its energy."""

from evaluation.robustness.faults import Reason
from evaluation.robustness.ordinary import ENOUGH_RECORDINGS
from evaluation.robustness.scoring import JudgedText, judge_robustness, robustness_table
from evaluation.robustness.texts import HardText, hard_texts

__all__ = [
    "ENOUGH_RECORDINGS",
    "HardText",
    "JudgedText",
    "Reason",
    "hard_texts",
    "judge_robustness",
    "robustness_table",
]
