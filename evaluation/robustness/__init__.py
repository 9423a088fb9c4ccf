"""A voice and a hundred hard texts: each is judged from its durations and its energy."""

from evaluation.robustness.faults import Reason
from evaluation.robustness.judging import JudgedText, judge_robustness, robustness_table
from evaluation.robustness.texts import HardText, hard_texts

__all__ = ["HardText", "JudgedText", "Reason", "hard_texts", "judge_robustness", "robustness_table"]
