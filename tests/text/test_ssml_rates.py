"""Speed in SSML: a rate is a word, a factor or a percentage, and nested rates multiply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.spoken_ssml import said, texts
from text.ssml import RATES, Break, TextPiece, parse_ssml


def speeds(inside: str) -> list[float]:
    return [part.speed for part in said(inside) if isinstance(part, TextPiece)]


@pytest.mark.parametrize(
    ("rate", "speed"),
    [
        *RATES.items(),
        *((("100%", 1), ("50%", 0.5), ("+20%", 1.2), ("-20%", 0.8), ("1.25", 1.25), (".5", 0.5), (" 2 ", 2))),
    ],
)
def test_a_rate_is_a_word_a_factor_or_a_percentage(rate: str, speed: float) -> None:
    assert speeds(f'<prosody rate="{rate}">go</prosody>') == [pytest.approx(speed)]


def test_rates_named_by_words_are_ordered() -> None:
    rates = [RATES[rate] for rate in ("x-slow", "slow", "medium", "fast", "x-fast")]
    assert rates == sorted(set(rates))
    assert RATES["default"] == RATES["medium"] == 1


@given(st.lists(st.integers(50, 200), min_size=1, max_size=4))
def test_nested_rates_multiply(percentages: list[int]) -> None:
    opening = "".join(f'<prosody rate="{percentage}%">' for percentage in percentages)
    inside = f"before. {opening}within.{'</prosody>' * len(percentages)} after."
    product = 1.0
    for percentage in percentages:
        product *= percentage / 100
    if all(percentage == 100 for percentage in percentages):
        assert texts(inside) == ["before. within. after."]
    else:
        assert texts(inside) == ["before.", "within.", "after."]
        assert speeds(inside) == [1, pytest.approx(product), 1]


def test_a_sentence_goes_on_without_a_pause_where_only_the_speed_changes() -> None:
    assert said('He said it <prosody rate="slow">slowly</prosody>, and left.') == [
        TextPiece("He said it", 1.0),
        Break(0.0),
        TextPiece("slowly,", RATES["slow"]),
        Break(0.0),
        TextPiece("and left.", 1.0),
    ]
    assert said('One<prosody rate="2">, two,</prosody>." Three') == [
        TextPiece("One,", 1.0),
        Break(0.0),
        TextPiece("two,", 2.0),
        TextPiece("Three", 1.0),
    ]
    assert said('<s>One</s><prosody rate="2">two</prosody><s>three</s>') == [
        TextPiece("One", 1.0),
        TextPiece("two", 2.0),
        TextPiece("three", 1.0),
    ]


def test_other_kinds_of_prosody_are_left_out_with_a_warning() -> None:
    document = '<speak><prosody pitch="+2st" volume="loud" rate="2">go</prosody></speak>'
    with (
        pytest.warns(UserWarning, match="<prosody pitch> is not supported: only the rate changes"),
        pytest.warns(UserWarning, match="<prosody volume> is not supported: only the rate changes"),
    ):
        assert parse_ssml(document) == [TextPiece("go", 2.0)]
