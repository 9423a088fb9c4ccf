"""The nearest phoneme is the one that phoneticians' textbooks, and the ears of learners, put in its place."""

import unicodedata

import pytest

from voices.importing.articulation import ARTICULATIONS, nearest_phoneme

ENGLISH = "pbtdkɡmnŋfvθðszʃʒhlɹwjiɪeɛæɑɔoʊuʌəɚ"


@pytest.mark.parametrize(
    ("foreign", "english"),
    [
        *(("ʁ", "ɹ"), ("r", "ɹ"), ("ɾ", "ɹ"), ("x", "h"), ("ç", "ʃ"), ("ɕ", "ʃ"), ("ʐ", "ʒ"), ("ʎ", "l"), ("ɲ", "ŋ")),
        *(("β", "v"), ("ɸ", "f"), ("q", "k"), ("ɟ", "ɡ"), ("ɓ", "b"), ("ɦ", "h"), ("ʋ", "v")),
        *(("y", "i"), ("ø", "e"), ("œ", "ɛ"), ("ʏ", "ɪ"), ("ɯ", "u"), ("ɐ", "ə"), ("a", "æ"), ("ɝ", "ɚ")),
    ],
)
def test_a_sound_that_english_lacks_becomes_the_one_that_it_is_heard_as(foreign: str, english: str) -> None:
    assert nearest_phoneme(foreign, ENGLISH) == english


def test_every_phoneme_is_nearest_to_itself_and_no_two_are_alike() -> None:
    for symbol, articulation in ARTICULATIONS.items():
        assert nearest_phoneme(symbol, ARTICULATIONS) == symbol
        assert sum(articulation == other for other in ARTICULATIONS.values()) == 1, symbol


def test_every_phoneme_is_a_letter_by_unicode() -> None:
    assert {symbol: unicodedata.name(symbol) for symbol in ARTICULATIONS if not symbol.isalpha()} == {}


@pytest.mark.parametrize(("voiceless", "voiced"), ["pb", "td", "kɡ", "fv", "θð", "sz", "ʃʒ", "xɣ", "ʈɖ"])
def test_a_sound_without_its_voicing_becomes_its_pair(voiceless: str, voiced: str) -> None:
    others = ["m", "a", voiced, "l", "ʔ", "ʘ"]
    assert nearest_phoneme(voiceless, others) == voiced
    assert nearest_phoneme(voiced, [*others[:2], voiceless, *others[3:]]) == voiceless


def test_a_vowel_never_becomes_a_consonant_where_there_is_a_vowel() -> None:
    for symbol, articulation in ARTICULATIONS.items():
        nearest = nearest_phoneme(symbol, "ubɡ" if articulation.vowel else "amɹ")
        assert nearest is not None
        assert ARTICULATIONS[nearest].vowel == articulation.vowel


def test_marks_and_digits_have_no_neighbour() -> None:
    assert nearest_phoneme("ˈ", ENGLISH) is None
    assert nearest_phoneme("5", ENGLISH) is None
    assert nearest_phoneme("ʁ", "ˈː5") is None
