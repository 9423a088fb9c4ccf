"""Intelligibility with no download: a small phoneme recogniser trained on the user's own recordings."""

from evaluation.recogniser.error_rate import ErrorCounts, phoneme_error_rate, total
from evaluation.recogniser.listening import Recogniser
from evaluation.recogniser.of_corpus import train_or_load
from evaluation.recogniser.targets import phonemes_of_ids, phonemes_said

__all__ = [
    "ErrorCounts",
    "Recogniser",
    "phoneme_error_rate",
    "phonemes_of_ids",
    "phonemes_said",
    "total",
    "train_or_load",
]
