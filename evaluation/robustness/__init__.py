"""Robustness on a hundred hard texts: whether the voice speaks at all, then faults in durations and power of each."""

from evaluation.robustness.faults import RobustnessFault
from evaluation.robustness.ordinary import ENOUGH_RECORDINGS
from evaluation.robustness.scoring import TextResult, evaluate_robustness, robustness_table
from evaluation.robustness.texts import HardText, hard_texts

__all__ = [
    "ENOUGH_RECORDINGS",
    "HardText",
    "RobustnessFault",
    "TextResult",
    "evaluate_robustness",
    "hard_texts",
    "robustness_table",
]
