"""Which words a group of phonemes says: found by alignment, whatever espeak-ng joins or splits."""

from pathlib import Path

import pytest

from data.layouts import read_corpus
from speaking.timestamps import WordFinder
from text import TextFrontEnd, grapheme_symbols, piper_symbols

LJSPEECH = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ljspeech_dev"


def said(front_end: TextFrontEnd, text: str) -> list[tuple[str, str]]:
    """Each spoken word with its phonemes."""
    pairs = []
    for portion in front_end.portions(text):
        words = WordFinder(portion, front_end.phonemise)
        for place, encoded in enumerate(portion.sentences):
            for word in words.of_sentence(place):
                phonemes = "".join(encoded.symbols[word.first : word.end])
                pairs.append((word.text if word.from_text else "?", phonemes))
    return pairs


def espeak(language: str = "en-us") -> TextFrontEnd:
    pytest.importorskip("piper")
    return TextFrontEnd(kind="espeak", language=language, symbols=piper_symbols())


def test_words_said_in_one_breath_have_their_phonemes_together() -> None:
    assert said(espeak(), "It was a letter of the king.") == [
        ("It", "ɪt"),
        ("was a", "wʌzɐ"),
        ("letter", "lˈɛɾɚɹ"),
        ("of the", "ʌvðə"),
        ("king.", "kˈɪŋ"),
    ]


def test_a_word_said_in_several_groups_has_all_of_them() -> None:
    assert said(espeak("fr"), "En 1999, oui.") == [
        ("En", "ɑ̃"),
        ("1999,", "mil nœfsɑ̃ katʁəvɛ̃diznˈœf"),
        ("oui.", "wˈi"),
    ]


def test_what_is_read_as_words_is_timed_as_those_words() -> None:
    words = [word for word, _ in said(espeak(), 'Pay £30, "now", to Mr. [[smˈɪθ]]! And so - on.')]
    assert words == ["Pay", "thirty", "pounds,", '"now",', "to", "Mr.", "[[smˈɪθ]]", "And", "so", "on."]


def test_letters_are_their_own_words() -> None:
    text = "the cat, the dog. a cat"
    letters = TextFrontEnd(kind="graphemes", language="", symbols=grapheme_symbols([text]))
    assert [word.strip(",.") for word, _ in said(letters, text)] == [phonemes for _, phonemes in said(letters, text)]


def test_phonemes_of_which_no_word_is_found_stand_for_themselves() -> None:
    letters = TextFrontEnd(kind="graphemes", language="", symbols=grapheme_symbols(["abc def"]))
    (portion,) = letters.portions("abc def")
    (first, second) = WordFinder(portion, lambda word: [list("x" * len(word))]).of_sentence(0)
    assert (first.text, second.text) == ("abc", "def")  # in their order, where only the order is left
    (portion,) = letters.portions("abc [[fed]] def")
    words = WordFinder(portion, lambda word: [] if "fed" in word else [list(word)]).of_sentence(0)
    assert [word.text for word in words] == ["abc", "[[fed]]", "def"]


@pytest.mark.skipif(not LJSPEECH.exists(), reason=f"real speech is not present: {LJSPEECH}")
def test_on_real_lines_every_word_is_said_once_and_in_order() -> None:
    front_end = espeak()
    groups = unfound = 0
    for row in read_corpus(LJSPEECH).recordings[:150]:
        for portion in front_end.portions(row.text):
            finder = WordFinder(portion, front_end.phonemise)
            words = [word for place in range(len(portion.sentences)) for word in finder.of_sentence(place)]
            found = " ".join(word.text for word in words if word.from_text)
            assert found == " ".join(portion.words)
            groups += len(words)
            unfound += sum(not word.from_text for word in words)
    assert groups > 1000
    assert unfound <= groups / 1000
