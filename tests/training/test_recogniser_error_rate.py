"""Errors are as few as any way from one sentence to the other has, and each is of its kind."""

import math
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.recogniser.error_rate import (
    ErrorCounts,
    phoneme_error_rate,
    total,
)

sentences = st.lists(st.sampled_from("aɪnː"), max_size=9)


@cache
def fewest_edits(said: tuple[str, ...], heard: tuple[str, ...]) -> int:
    """By trying every way."""
    if not said or not heard:
        return len(said) + len(heard)
    if said[0] == heard[0]:
        return fewest_edits(said[1:], heard[1:])
    ways = ((said[1:], heard), (said, heard[1:]), (said[1:], heard[1:]))
    return 1 + min(fewest_edits(*way) for way in ways)


@given(said=sentences, heard=sentences)
def test_errors_are_as_many_as_the_shortest_of_all_ways_has(said: list[str], heard: list[str]) -> None:
    counts = phoneme_error_rate(said, heard)
    assert counts.errors == fewest_edits(tuple(said), tuple(heard))
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
