"""Errors are those that jiwer counts, whatever was said and heard."""

import math

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.recogniser.error_rate import (
    ErrorCounts,
    phoneme_error_rate,
    total,
)

sentences = st.lists(st.sampled_from("aɪnː"), max_size=12)


@given(said=sentences.filter(bool), heard=sentences)
def test_errors_are_as_many_as_jiwer_counts(said: list[str], heard: list[str]) -> None:
    theirs = jiwer.process_words(" ".join(said), " ".join(heard))
    counts = phoneme_error_rate(said, heard)
    assert counts.errors == theirs.substitutions + theirs.insertions + theirs.deletions
    assert counts.rate == pytest.approx(theirs.wer)
    # Which of several shortest ways is counted is free; what was heard must have the length that was heard.
    assert len(said) - counts.deletions + counts.insertions == len(heard)


@pytest.mark.parametrize(
    ("said", "heard", "counts"),
    [
        ("abc", "abc", ErrorCounts(0, 0, 0, 3)),
        ("abc", "axc", ErrorCounts(1, 0, 0, 3)),
        ("abc", "abxc", ErrorCounts(0, 1, 0, 3)),
        ("abc", "ac", ErrorCounts(0, 0, 1, 3)),
        ("abc", "", ErrorCounts(0, 0, 3, 3)),
        ("", "ab", ErrorCounts(0, 2, 0, 0)),
    ],
)
def test_each_kind_of_error_is_told_apart(said: str, heard: str, counts: ErrorCounts) -> None:
    assert phoneme_error_rate(said, heard) == counts


def test_sentences_are_added_so_that_each_phoneme_weighs_the_same() -> None:
    counts = total([phoneme_error_rate("ab", "ax"), phoneme_error_rate("abcdefgh", "abcdefgh")])
    assert counts == ErrorCounts(substitutions=1, length=10)
    assert counts.rate == 0.1  # and not the mean of 0.5 and 0
    assert math.isnan(total([]).rate)
