"""Nothing longer than espeak-ng can hold reaches it: it loses no word, joins none, and never dies."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import EspeakPhonemiser
from text.clauses import MOST_COST, holdable

pytest.importorskip("piper")

CHILD = Path(__file__).with_name("espeak_child.py")
LANGUAGES = ("en-us", "de", "nl", "fr", "es", "ru", "ar", "cmn", "hi", "el", "ja", "ko", "fa", "sv", "th")
LETTERS = "a A b I x aeiou xzq Mr. U.S. hello the 's IV th n't e.g. www. .com http:// 1 12 1,000 0 0x1F 3rd é ß İ ñ ﬁ"
MARKS = ". , ; : ! ? … - – — ' \" ( ) & % @ # $ € / \\ _ * + = < > | ~ ^ ` [ ] { } [[ ]] 。 ， ？ 、 ¿ · ª ² ½"
OTHER_SCRIPTS = "你 ن अ я ก 😀 한 あ ع ு ် ա ა"
BLANKS = (" ", "  ", "\n", "\t", "\u2028", "\u0301", "\u200d", "\u200b", "\ufeff", "\ue000", "\x00", "\x1b")
PIECES = [*LETTERS.split(), *MARKS.split(), *OTHER_SCRIPTS.split(), *BLANKS]
DEADLY = [
    *(("en-us", "a." * 97 + "com"), ("en-us", "a.a." * 500), ("en-us", "A." * 97 + " B"), ("de", "é." * 750)),
    *(("en-us", "'s" * 201), ("fa", "'s" * 750), ("el", "U.S." * 200), ("es", "U.S.:" * 160), ("ja", ".ก." * 35)),
    *(("pt-br", "\u0d4d.." * 500), ("hi", "_.я" * 134), ("nl", "、U.S.–" * 200), ("sv", "U.S." * 50)),
    *(("de", "é." * 12 + " " + "é." * 12 + " " + "é." * 12 + " x"), ("en-us", "a.b " * 400), ("en-us", "1.a." * 400)),
]


@contextmanager
def child(*how: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(CHILD), *how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def survives(process: subprocess.Popen[str], language: str, text: str) -> bool:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps([language, text]) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return False
    return bool(process.stdout.readline())


def fuzzed(seed: int) -> tuple[str, str]:
    """A text that is often the same few pieces many times, which is what fills a buffer."""
    rng = random.Random(seed)
    unit = "".join(rng.choices(PIECES, k=rng.randint(1, 3)))
    length = rng.choice((20, 60, 120, 200, 300, 500))
    text = unit * (length // len(unit) + 1) if rng.random() < 0.6 else "".join(rng.choices(PIECES, k=length // 2))
    return rng.choice(LANGUAGES), text + rng.choice(("", "", "com", " end.", "A"))


@pytest.mark.parametrize(("language", "text"), DEADLY)
def test_what_has_killed_espeak_is_phonemised(language: str, text: str) -> None:
    with child("read") as process:
        assert survives(process, language, text)


@pytest.mark.parametrize(
    ("seeds", "how"),
    [
        pytest.param(range(400), "read", id="400-read"),
        pytest.param(range(400, 1500), "unread", id="1100-unread"),
        pytest.param(range(1500, 21_500), "unread", marks=pytest.mark.slow, id="20000-unread"),
    ],
)
def test_no_string_kills_the_process_or_is_an_error(seeds: range, how: str) -> None:
    with child(how) as process:
        for seed in seeds:
            language, text = fuzzed(seed)
            assert survives(process, language, text), (language, text)


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
