"""Silence in SSML: a break is as long as it says, and what is not heard splits no word."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.spoken_ssml import said, texts
from text.ssml import STRENGTHS, Break, TextPiece

# A piece of a document, and the words in it.
Documents = st.recursive(
    st.sampled_from([("a ", "a"), (" b. ", "b"), ("c", "c"), (", ", ""), ("<break/>", ""), ('<break time="0s"/>', "")]),
    lambda pieces: st.builds(
        lambda tag, inside: (
            f"<{tag}>{''.join(markup for markup, _ in inside)}</{tag.split()[0]}>",
            "".join(words for _, words in inside),
        ),
        st.sampled_from(["s", "p", 'prosody rate="101%"', 'prosody rate="medium"']),
        st.lists(pieces, max_size=5),
    ),
)


def test_a_break_is_as_long_as_it_says() -> None:
    assert said('One.<break time="1500ms"/>Two.<break time="1.5s"/> Three.<break time=" +.5s "/>') == [
        TextPiece("One.", 1.0),
        Break(1.5),
        TextPiece("Two.", 1.0),
        Break(1.5),
        TextPiece("Three.", 1.0),
        Break(0.5),
    ]


def test_a_break_without_a_time_is_as_long_as_its_strength() -> None:
    lengths = [said(f'a<break strength="{strength}"/>')[-1] for strength in list(STRENGTHS)[1:]]
    seconds = [length.seconds for length in lengths if isinstance(length, Break)]
    assert len(seconds) == 5
    assert seconds == sorted(set(seconds))
    assert said("a<break/>") == said('a<break strength="medium"/>')
    assert said('a<break strength="x-strong" time="1ms"/>')[-1] == Break(0.001)


def test_breaks_in_a_row_are_one() -> None:
    assert said('<break/><p><break time="1s"/></p>a<break/><break/>.') == [
        Break(1.75),
        TextPiece("a", 1.0),
        Break(1.5),
    ]


def test_no_silence_joins_sentences_and_splits_none() -> None:
    assert said('one <break strength="none"/> two') == [TextPiece("one two", 1.0)]
    assert said('<s>One.</s><break time="0s"/><s>Two.</s>') == [
        TextPiece("One.", 1.0),
        Break(0),
        TextPiece("Two.", 1.0),
    ]


@pytest.mark.parametrize("silent", ['<break strength="none"/>', '<break time="0s"/>', '<mark name="a"/>'])
@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("one|two", "one two"),
        ("one|||two", "one two"),
        ("one\n|\n|two", "one two"),
        ("one|, two|.", "one, two."),
        ('(|one|) "|two|"', '(one) "two"'),
        ('one|<phoneme ph="tu">x</phoneme>|three', "one [[tu]] three"),
        ('1|<sub alias="two">2</sub>|3', "1 two 3"),
    ],
)
def test_a_word_ends_where_something_stands_that_is_not_heard(silent: str, inside: str, text: str) -> None:
    assert said(inside.replace("|", silent)) == [TextPiece(text, 1.0)]


@pytest.mark.parametrize("silent", ['<break strength="none"/>', '<mark name="a"/>', "<metadata>no</metadata>"])
@pytest.mark.parametrize(
    "inside",
    ["$|5", "US$|5.20", "don|'t", "don|’t", "one|-two", "x—“|one”", 'x—"|one"', "([|one])|", "say:„|eins|“."],
)
def test_what_is_not_heard_splits_no_word_amount_or_quotation(silent: str, inside: str) -> None:
    assert said(inside.replace("|", silent)) == [TextPiece(inside.replace("|", ""), 1.0)]


@pytest.mark.parametrize(
    ("inside", "at_break", "at_mark"),
    [
        ('one|"two"', 'one "two"', 'one"two"'),
        ("is|'good'", "is 'good'", "is'good'"),
        ("one|.5", "one .5", "one.5"),
        ("5€|and", "5€ and", "5€and"),
        ("“one”|two", "“one” two", "“one”two"),
        ("3,|5", "3, 5", "3,5"),
        ("की|बात", "की बात", "की बात"),
    ],
)
def test_a_break_parts_words_that_marks_stand_between_and_a_mark_does_not(
    inside: str, at_break: str, at_mark: str
) -> None:
    assert texts(inside.replace("|", '<mark name="a"/>')) == [at_mark]
    assert texts(inside.replace("|", '<break time="0s"/>')) == [at_break]
    assert texts(inside.replace("|", '<mark name="a"/><break time="0s"/><mark name="b"/>')) == [at_break]


def test_a_mark_between_two_sentences_leaves_them_two() -> None:
    assert " ".join(texts('Hello.<mark name="a"/>World.')) == "Hello. World."


def test_a_mark_in_what_is_replaced_ends_no_word() -> None:
    assert texts('a <sub alias="two">2<mark name="a"/></sub>nd') == ["a twond"]
    assert texts('<say-as interpret-as="cardinal">1<mark name="a"/>2</say-as>s') == ["twelves"]


@given(Documents)
def test_every_word_is_said_and_never_are_there_two_breaks_in_a_row(document: tuple[str, str]) -> None:
    inside, words = document
    spoken = said(inside)
    assert not any(isinstance(one, Break) and isinstance(next, Break) for one, next in itertools.pairwise(spoken))
    assert "".join(filter(str.isalpha, "".join(part.text for part in spoken if isinstance(part, TextPiece)))) == words
