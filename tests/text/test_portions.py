"""A long text is read a few sentences at a time, and so is the same as if it were read whole."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.layouts import read_corpus
from text import TextFrontEnd, grapheme_symbols, piper_symbols, portions
from text.characters import split_blocks
from text.front_end import Portion

ALPHABET = grapheme_symbols(["the quick brown fox jumps over a lazy dog"])


@pytest.fixture(scope="module")
def espeak() -> TextFrontEnd:
    pytest.importorskip("piper")
    return TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())


def uncut(front_end: TextFrontEnd, text: str, monkeypatch: pytest.MonkeyPatch) -> list[Portion]:
    """A text read at once, paragraph by paragraph."""
    with monkeypatch.context() as patch:
        patch.setattr(portions, "LEAST_CHARACTERS", len(text))
        patch.setattr(portions, "MOST_CHARACTERS", len(text))
        return list(front_end.portions(text))


def symbols_of(parts: list[Portion]) -> list[tuple[str, ...]]:
    return [encoded.symbols for part in parts for encoded in part.sentences]


# Ends of sentences in several scripts, beside much that only looks like one.
SENTENCES = {
    "en-us": "It was a cat.|Dr. Who came!|At 5 p.m. on Jan. 3, Mr. J. R. Cox|e.g. this; that|Go. it is low.|(Yes.)"
    "|“So.” A|“Oh!” he said.|See pp. 3-5 vs. No. 5.|Wait... what?|[[həlˈoʊ. A]] there.|1. One 2. Two|He paid $3.50.",
    "de": "Am 1. Mai kam er.|z. B. hier.|Dr. Kohl sah 3 Hunde.|„Ja!“ rief er.|Nr. 5 usw. Er|Wo?",
    "ru": "Он дал ей кота.|Это был г. Томск!|т. е. дом.|А. С. Пушкин|«Да!» — сказал он.|В 1999 г. он|Что?|стр. 5.",
    "el": "Πού πας;|Ο γέρος ήρθε.|π.χ. αυτό.|κ. Α. Β.|«Ναι!»",
    "hi": "वह आया।|क्या? नहीं!|डॉ. राम आए।|5 बजे।|हाँ।।",
    "ar": "جاء الرجل.|أين؟|د. أحمد!|5.3 كم،",
    "cmn": "他来了。|“你好！”|去哪里？|3.5元。|A. B公司|，好的；|……",
}


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("seed", range(3))
def test_portions_of_any_language_say_what_the_whole_says(
    language: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("piper")
    front_end = TextFrontEnd(kind="espeak", language=language, symbols=piper_symbols())
    space = "" if language == "cmn" else " "
    text = space.join(random.Random(seed).choices(SENTENCES[language].split("|"), k=200))
    whole = uncut(front_end, text, monkeypatch)
    assert len(whole) == 1
    with monkeypatch.context() as patch:
        patch.setattr(portions, "LEAST_CHARACTERS", 60)
        patch.setattr(portions, "MOST_CHARACTERS", 600)
        parts = list(front_end.portions(text))
    assert len(parts) > 3
    assert symbols_of(parts) == symbols_of(whole)


@given(st.text(st.sampled_from("ab. [],\n।"), max_size=400), st.booleans())
def test_no_portion_is_longer_than_it_may_be_and_none_loses_a_character(text: str, parted: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "LEAST_CHARACTERS", 10)
        patch.setattr(portions, "MOST_CHARACTERS", 40)
        parts = list(portions.portions(text, lambda before, after: parted))
    assert "".join("".join(parts).split()) == "".join(text.split())
    for part in parts:
        blocks = split_blocks(part)[1::2]
        assert len(part) <= 40 + max(map(len, blocks), default=0)
    if "\n" not in text:
        assert [block for part in parts for block in split_blocks(part)[1::2]] == split_blocks(text)[1::2]


def test_the_portions_of_a_book_are_what_it_is_as_a_whole(
    espeak: TextFrontEnd, ljspeech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [row.text for row in read_corpus(ljspeech).recordings]
    book = " ".join(texts[:150]) + "\n\n" + " ".join(texts[150:])
    parts = list(espeak.portions(book))
    assert len(parts) > 20
    whole = uncut(espeak, book, monkeypatch)
    assert len(whole) == 2
    assert symbols_of(parts) == symbols_of(whole)
    assert [w for p in parts for w in p.words] == [w for p in whole for w in p.words]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en-us", "The quick brown fox jumps over the lazy doggie. "),
        ("en-us", "It was a big red cat. "),
        ("en-us", "see pp. 3 f., no end is here, "),
        ("ru", "Старая женщина открыла дверь. "),
        ("cmn", "老人慢慢打开了门。"),
        ("th", "หญิงชราเปิดประตูอย่างช้าๆ"),  # no spaces, and no marks
    ],
)
def test_the_first_sentence_does_not_wait_for_the_rest(language: str, sentence: str) -> None:
    pytest.importorskip("piper")
    front_end = TextFrontEnd(kind="espeak", language=language, symbols=piper_symbols())
    read, phonemise = list[str](), front_end.phonemise

    def watched(text: str) -> Sequence[Sequence[str]]:
        read.append(text)
        return phonemise(text)

    front_end.phonemise = watched  # type: ignore[assignment]
    next(front_end.portions(sentence * 20_000))
    assert sum(map(len, read)) < 10_000


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("we went to the market and bought some bread, then came home. ", "home. "),
        ("we went out, and so did he. ", "he. "),
        ("去了市场，买了面包，然后回家。然后，", "。"),
        ("we went to the market, and bought some bread ", ", "),
        ("bread ", "bread "),
    ],
)
def test_where_no_end_is_sure_a_portion_ends_after_a_sentence_else_a_clause_else_a_word(text: str, end: str) -> None:
    *parts, _ = portions.portions(text * (6000 // len(text)), lambda before, after: False)
    assert len(parts) >= 2
    for part in parts:
        assert part.endswith(end)
        assert portions.MOST_CHARACTERS // 2 < len(part) <= portions.MOST_CHARACTERS


@pytest.mark.parametrize("unsure", ["Prof. A", "vs. The", "3 p.m. A", "... The", 'said "a. B', "[[b! A]]"])
def test_a_portion_ends_only_where_a_sentence_surely_does(unsure: str) -> None:
    letters = TextFrontEnd(kind="graphemes", language="", symbols=ALPHABET)
    assert len(list(letters.portions(f"{'the fox ' * 50}{unsure} dog"))) == 1
    assert len(list(letters.portions(f"{'the fox ' * 50}{unsure} quickly! The dog"))) == 2


def test_the_words_are_those_that_are_read(espeak: TextFrontEnd) -> None:
    (portion,) = espeak.portions('It cost £3 - "so" he said, [[həlˈoʊ wˈɜːld]]!')
    assert portion.words == ("It", "cost", "three", "pounds", '"so"', "he", "said,", "[[həlˈoʊ wˈɜːld]]")
