"""A long text is read a few sentences at a time, and so is the same as if it were read whole."""

import time
from pathlib import Path

import pytest

from data.layouts import read_corpus
from data.text import Encoded, TextFrontEnd, grapheme_symbols, piper_symbols

ALPHABET = grapheme_symbols(["the quick brown fox jumps over a lazy dog"])


@pytest.fixture(scope="module")
def espeak() -> TextFrontEnd:
    pytest.importorskip("piper")
    return TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())


def test_the_portions_of_a_book_are_what_it_is_as_a_whole(
    espeak: TextFrontEnd, ljspeech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [row.text for row in read_corpus(ljspeech).recordings]
    book = " ".join(texts[:150]) + "\n\n" + " ".join(texts[150:])
    portions = list(espeak.portions(book))
    assert len(portions) > 20
    monkeypatch.setattr("data.text.front_end._PORTION_CHARACTERS", len(book))
    whole = list(espeak.portions(book))
    assert len(whole) == 2

    def joined(parts: list[Encoded]) -> list[tuple[str, ...]]:
        return [encoded.symbols for encoded in parts]

    assert joined([s for p in portions for s in p.sentences]) == joined([s for p in whole for s in p.sentences])
    assert [w for p in portions for w in p.words] == [w for p in whole for w in p.words]


def test_the_first_sentence_does_not_wait_for_the_rest(espeak: TextFrontEnd) -> None:
    sentence = "The quick brown fox jumps over the lazy doggie. "
    book = sentence * 20_000
    started = time.process_time()
    first = next(espeak.portions(book))
    assert time.process_time() - started < 0.5  # the whole takes a hundred times as long
    assert first.sentences[0] == espeak.sentences(sentence)[0]


@pytest.mark.parametrize("unsure", ["Prof. A", "vs. The", "3 p.m. A", "... The", 'said "a. B', "[[b! A]]"])
def test_a_portion_ends_only_where_a_sentence_surely_does(unsure: str) -> None:
    letters = TextFrontEnd(kind="graphemes", language="", symbols=ALPHABET)
    assert len(list(letters.portions(f"{'the fox ' * 50}{unsure} dog"))) == 1
    assert len(list(letters.portions(f"{'the fox ' * 50}{unsure} quickly! The dog"))) == 2


def test_the_words_are_those_that_are_read(espeak: TextFrontEnd) -> None:
    (portion,) = espeak.portions('It cost £3 - "so" he said, [[həlˈoʊ wˈɜːld]]!')
    assert portion.words == ("It", "cost", "three", "pounds", '"so"', "he", "said,", "[[həlˈoʊ wˈɜːld]]")
