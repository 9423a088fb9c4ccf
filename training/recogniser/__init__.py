"""A small phoneme recogniser, trained on the user's own recordings: a phoneme error rate without a download."""

from training.recogniser.error_rate import ErrorCounts, phoneme_error_rate, total
from training.recogniser.examples import phonemes_of_ids, phonemes_said
from training.recogniser.of_corpus import train_or_load
from training.recogniser.recogniser import Recogniser

__all__ = [
    "ErrorCounts",
    "Recogniser",
    "phoneme_error_rate",
    "phonemes_of_ids",
    "phonemes_said",
    "total",
    "train_or_load",
]
