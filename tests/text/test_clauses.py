"""Nothing longer than espeak-ng can hold reaches it: it loses no word, joins none, and never dies."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.espeak_child import EspeakChild
from text import EspeakPhonemiser
from text.clauses import MOST_COST, holdable

pytest.importorskip("piper")

DEADLY = [
    *(("en-us", "a." * 97 + "com"), ("en-us", "a.a." * 500), ("en-us", "A." * 97 + " B"), ("de", "é." * 750)),
    *(("en-us", "'s" * 201), ("fa", "'s" * 750), ("el", "U.S." * 200), ("es", "U.S.:" * 160), ("ja", ".ก." * 35)),
    *(("pt-br", "\u0d4d.." * 500), ("hi", "_.я" * 134), ("nl", "、U.S.–" * 200), ("sv", "U.S." * 50)),
    *(("de", "é." * 12 + " " + "é." * 12 + " " + "é." * 12 + " x"), ("en-us", "a.b " * 400), ("en-us", "1.a." * 400)),
]


@pytest.fixture(scope="module")
def children() -> Iterator[EspeakChild]:
    with EspeakChild("read") as child:
        yield child


@pytest.mark.parametrize(("language", "text"), DEADLY)
def test_what_has_killed_espeak_is_phonemised(language: str, text: str, children: EspeakChild) -> None:
    assert children.survives(language, text)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-us", "paper house"),
        ("en-us", "a"),
        ("fr", "maison"),
        ("fr", "1234567890"),
        ("ru", "бабушка"),
        ("de", "WWW"),
    ],
)
@pytest.mark.parametrize("times", [80, 333, 1000])
def test_a_clause_of_any_length_loses_and_joins_no_word(language: str, words: str, times: int) -> None:
    phonemise = EspeakPhonemiser(language)

    def groups(text: str) -> list[str]:
        return "".join("".join(sentence) for sentence in phonemise(text)).split()

    assert len(groups(" ".join([words] * times))) == times * len(groups(words))


def test_a_cut_within_a_sentence_ends_no_sentence() -> None:
    phonemise = EspeakPhonemiser("en-us")
    assert len(phonemise("the paper house of Mister Smith and " * 100)) == 1
    assert len(phonemise("The paper house is here. " * 100)) == 100


@given(st.text(st.sampled_from("aA1.é '-,\u0301你"), max_size=1500))
def test_pieces_are_the_text_and_bounded(text: str) -> None:
    pieces = holdable(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    for piece in pieces:
        for word in piece.split():
            assert sum(not character.isalnum() and character != "\u0301" for character in word) <= 12
            assert len(word) <= MOST_COST


def test_what_people_write_is_one_piece() -> None:
    for text in (
        "The sentence that is typical has about one hundred characters, and nobody ever reads it with numbers.",
        "The U.S.S.R. and the U.S.A., e.g. at 5 p.m. — isn't it? He's O'Brien-Smith's mother-in-law's brother-in-law.",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    ):
        assert holdable(text) == [text]
