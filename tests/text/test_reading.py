"""What holds for the reading of any text at all: it never fails, reads as itself, and takes bounded time."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import Reader, normalise

LANGUAGES = ("en-us", "en-gb", "nl", "de", "fr", "")
# What rules look for, in any order: every pair of them has met.
PIECES = """
    1 2 12 1963 3rd $5 £ 5% 1/2 ½ Mr. Dr. St. No. U.S. a.m. II III. IV George May Nov. & @ a@b.co www.x.org # § ° - – —
    . , ; : ! ? ( ) [ ] [[a]] [[ ]] ' " 's 1960s x × + = * / \\ | ~ ^ _ < > é e\u0301 😀 你 α µ ² ٣ \x00 \ud800 \u200d
    the a I in km ft. 5'10" 10:30 000 1,000 .5 5. -5 C++ B2 v1.2 TX c. &c. J. M.P. cap. Co. 12s. 6d. n° № Uhr 5. mln.
    am der uur \ue000 ﬁ ª ™ z.B. enz.
"""
Texts = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(st.sampled_from([*PIECES.split(), " ", " "]), max_size=8).map("".join),
)


@given(Texts, st.sampled_from(LANGUAGES))
def test_a_reading_reads_as_itself(text: str, language: str) -> None:
    reading = normalise(text, language)
    assert normalise(reading, language) == reading


@given(Texts, st.sampled_from(LANGUAGES))
def test_nothing_unreadable_is_left_and_all_is_on_one_line(text: str, language: str) -> None:
    reading = normalise(text, language)
    assert reading == " ".join(reading.split())
    reading.encode()
    outside = re.sub(r"\[\[.*?\]\]", "", reading)
    assert not {unicodedata.category(symbol) for symbol in outside} & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(Texts, st.sampled_from(("en-us", "nl", "de")))
def test_in_a_language_with_rules_no_digit_is_left(text: str, language: str) -> None:
    assert not re.search(r"\d", re.sub(r"\[\[.*?\]\]", "", normalise(text, language)))


@given(Texts)
def test_what_was_dropped_stood_in_the_text(text: str) -> None:
    assert set(Reader("en-us").read(text).dropped) <= set(unicodedata.normalize("NFKC", text)) | set(text)


@given(st.text(st.sampled_from("ab [].5$é"), max_size=20), st.text("ab5[ .é", max_size=10))
def test_inline_phonemes_are_untouched(around: str, inside: str) -> None:
    around = around.replace("[[", "")
    block = f"[[{unicodedata.normalize('NFC', inside)}]]"
    assert " ".join(block.split()) in normalise(f"{around.rstrip('[')} {block} {around.lstrip('[')}")


HOSTILE = (
    *(
        "1",
        "1,",
        "1.",
        "1-",
        "111,",
        "1 1/2 ",
        "12:",
        "$1",
        "'1",
        "+1 2 ",
        "1st",
        "1a",
        "½",
        "٣",
        "5 Baker ",
        "#a",
        "a@",
    ),
    *(
        "a",
        "a ",
        "a.",
        "A.",
        "A. ",
        "I",
        "IV ",
        "No. ",
        "www.",
        "http://",
        "[[",
        "[[a]] ",
        "]]",
        "(",
        "'",
        "&",
        "😀",
        "你",
    ),
    "e\u0301",
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_the_time_is_in_proportion_to_the_text(unit: str) -> None:
    text = (unit * 50_000)[:50_000]
    for language in ("en-us", "de"):
        start = time.process_time()
        normalise(text, language)
        # Quadratic work on this much text takes minutes; the worst here takes about a second.
        assert time.process_time() - start < 5


def test_a_sentence_without_numbers_is_read_in_a_fraction_of_a_millisecond() -> None:
    text = "The sentence that is typical has about one hundred characters, and nobody ever reads it with numbers."
    reader = Reader("en-us")
    seconds = []
    for _ in range(101):
        start = time.process_time()
        reader.read(text)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.001  # of which other work on the machine takes nothing
