"""Texts and lists of any length in a message."""

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from configs.wording import listed, shortened, without_middle


@given(st.text(), st.integers(1, 20))
def test_a_shortened_text_is_the_beginning_of_it_and_never_longer_than_was_asked_for(text: str, most: int) -> None:
    cut = shortened(text, most)
    assert len(cut) <= most
    assert cut == text if len(text) <= most else (text.startswith(cut[:-1]) and cut[-1] == "…")


@given(st.text("abc", min_size=1, max_size=30), st.integers(2, 40))
def test_a_word_is_cut_as_textwrap_cuts_it(word: str, most: int) -> None:
    within = textwrap.wrap(word, most - 1)[0] + "…"
    assert shortened(word, most) == (word if len(word) <= most else within)


@given(st.text("ab", max_size=40), st.integers(4, 20))
def test_a_text_without_its_middle_has_its_beginning_and_its_end(text: str, most: int) -> None:
    cut = without_middle(text, most)
    assert len(cut) == min(most, len(text))
    begin, _, end = cut.partition("…")
    assert text.startswith(begin)
    assert text.endswith(end)


def test_names_that_begin_alike_stay_apart() -> None:
    assert without_middle("least_squares+loss.r1=1", 18) == "least_…s+loss.r1=1"
    assert without_middle("least_squares+loss.adversarial=0", 18) == "least_…versarial=0"


def test_of_a_long_list_the_first_are_named_and_the_others_counted() -> None:
    assert listed([], 3) == ""
    assert listed(iter("abc"), 3) == "a, b, c"
    assert listed(iter("abcde"), 3, "; ") == "a; b; c and 2 more"
