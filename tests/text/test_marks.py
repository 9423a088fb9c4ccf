"""Marks between words, through to phonemes: none joins two words, none is spoken, none takes a pause along."""

import itertools
import unicodedata
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import EspeakPhonemiser, Reader
from text.symbols import is_sound

pytest.importorskip("piper")

# Two words, the second without a capital, and what is read as a word between words in this language.
WORDS = {
    "en-us": ("paper", "house"),
    "de": ("tisch", "haus"),
    "nl": ("tafel", "huis"),
    "fr": ("table", "maison"),
    "es": ("papel", "mesa"),
    "pl": ("dom", "kot"),
}
# A hyphen or an apostrophe alone makes one word of two.
WITHIN_WORDS = frozenset("-'‐‑‘’‚‛ʼ−－﹣＇֊־᠆⸗゠")
SIGNS = frozenset("#$%&*+/<=>@^|~`´¨¯")  # some are read as words, in some languages
MARKS = [
    character
    for character in map(chr, range(0x20, 0x3100))
    if unicodedata.category(character)[0] in "PZ"
    and not set(unicodedata.normalize("NFKC", character)) & SIGNS
    and not any(map(str.isalnum, unicodedata.normalize("NFKC", character)))
    and character not in "§°‰‱¶٪٬٫⁄′″‴‵‶‷⁗"
]


@lru_cache(maxsize=8)
def speech(language: str) -> tuple[Reader, EspeakPhonemiser]:
    return Reader(language), EspeakPhonemiser(language)


def sentences(language: str, text: str) -> list[str]:
    reader, phonemise = speech(language)
    return ["".join(sentence) for sentence in phonemise(reader.read(text).spoken)]


def groups(language: str, text: str) -> list[str]:
    """The letters of each word that is spoken, without stress and length."""
    spoken = " ".join(sentences(language, text))
    kept = (sign if is_sound(sign) else " " if unicodedata.category(sign)[0] in "PZ" else "" for sign in spoken)
    return "".join(kept).split()


@pytest.mark.parametrize("language", WORDS)
def test_no_mark_of_unicode_joins_two_words_or_is_spoken(language: str) -> None:
    first, second = WORDS[language]
    expected = groups(language, first) + groups(language, second)
    patterns = ("{a}{m}{b}", "{a}{m} {b}", "{a} {m}{b}", "{a} {m} {b}", "{a}{m}{m}{m}{b}", "{m}{a}.{m}{b}{m}")
    wrong = [
        (hex(ord(mark)), pattern)
        for mark, pattern in itertools.product(MARKS, patterns)
        if groups(language, pattern.format(a=first, b=second, m=mark)) != expected
        and not (mark in WITHIN_WORDS and pattern == "{a}{m}{b}")
    ]
    assert len(MARKS) > 400
    assert wrong == []


@pytest.mark.parametrize("language", WORDS)
def test_no_run_of_common_marks_joins_two_words_or_is_spoken(language: str) -> None:
    first, second = WORDS[language]
    expected = groups(language, first) + groups(language, second)
    runs = ["".join(run) for length in (1, 2, 3) for run in itertools.product("\"')(.,!?;:—–… ¿", repeat=length)]
    wrong = [
        run
        for run in runs
        if groups(language, f"{first}{run}{second}") != expected and not (set(run) <= set("'") and run)
    ]
    assert wrong == []


@given(
    st.sampled_from(sorted(WORDS)),
    st.lists(st.sampled_from([*MARKS, *".,!?;:—–…\"'()[]-"]), min_size=1, max_size=8).map("".join),
)
def test_no_run_of_any_marks_joins_two_words_or_is_spoken(language: str, run: str) -> None:
    first, second = WORDS[language]
    plain = unicodedata.normalize("NFKC", run)
    if set(run) & WITHIN_WORDS or "[[" in plain or "]]" in plain:
        run = f"{run} "
    assert groups(language, f"{first}{run}{second}".replace("[[", "[")) == (
        groups(language, first) + groups(language, second)
    )


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Wait... what?", "Wait, what?"),
        ("still... Anna", "still, Anna"),
        ("He left... The door closed...", "He left. The door closed."),
        ("I like it.And you?", "I like it. And you?"),
        ("Hello!World", "Hello! World"),
        ("yes:no", "yes: no"),
        ("paper—house", "paper — house"),
        ("paper--house", "paper — house"),
        ("paper–house", "paper — house"),
        ("Paris–Dakar", "Paris Dakar"),
        ("paper，house。 Then", "paper, house. Then"),
        ("he said «yes».She left", 'he said "yes." She left'),
        ("Wait?!... no — yes —", "Wait? no — yes"),
        ("— Well ... and so on", "Well, and so on"),
        ("two- and three-year, twenty-one", "two- and three-year, twenty-one"),
    ],
)
def test_marks_are_given_to_the_phonemiser_as_clause_marks(text: str, spoken: str) -> None:
    assert Reader("en-us").read(text).spoken == spoken


@pytest.mark.parametrize(
    "text",
    ["U.S. and p.m. and e.g. this", "B.Sc. and Ph.D", "an M.P. of St.-Martin", "rock 'n' roll, isn't it", "it's 'so'"],
)
def test_full_stops_and_apostrophes_within_words_stay(text: str) -> None:
    assert Reader("en-us").read(text).text == text


@pytest.mark.parametrize(
    ("language", "text", "reading"),
    [
        ("en-us", "See report.txt or a.b@x.org.", "See report dot T X T or a dot b at x dot org."),
        ("en-us", "at 3.5 and 10:30 and 1,000", "at three point five and ten thirty and one thousand"),
        ("de", "in 1999.Er sah 3,5 km:ja", "in neunzehnhundertneunundneunzig. Er sah drei Komma fünf Kilometer: ja"),
        ("fr", "voir www.exemple.fr,puis 3,5.Il", "voir www.exemple.fr, puis 3,5. Il"),
        ("nl", "Hij kwam.Toen ging hij,snel", "Hij kwam. Toen ging hij, snel"),
    ],
)
def test_addresses_files_and_numbers_keep_their_marks(language: str, text: str, reading: str) -> None:
    assert Reader(language).read(text).text == reading


@pytest.mark.parametrize("rule", ["=====", "-----", "~~~~", "####", "+++++", "-->", "<===", "____", "*****"])
def test_a_rule_of_signs_is_not_spoken(rule: str) -> None:
    for language in WORDS:
        first, second = WORDS[language]
        assert groups(language, f"{first} {rule} {second}") == groups(language, first) + groups(language, second)


def test_a_pause_is_kept_where_a_mark_stood() -> None:
    for text in ("paper... house", "paper—house", "paper--house", "paper,house", "paper;house", "paper:house"):
        (sentence,) = sentences("en-us", text)
        assert any(mark in sentence for mark in ",;:"), text
    for text in ("paper.House", "paper!House", "paper?house", "paper。House"):
        assert len(sentences("en-us", text)) == 2, text
