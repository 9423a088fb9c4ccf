"""What is to be said as something is read so, whatever the words around it would make of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words  # type: ignore[import-untyped]

from text import EspeakPhonemiser, Reader, normalise
from text.english.words import cardinal
from text.say_as import say_as


def heard(content: str, kind: str, language: str = "en-us", date_format: str = "", behind: str = "") -> str:
    """It, as a sentence that begins so is read."""
    words = say_as(content, kind, language=language, date_format=date_format, behind=behind)
    assert words is not None
    return normalise(f"{behind}{words}", language)


@pytest.mark.parametrize(
    ("kind", "content", "language", "expected"),
    [
        ("characters", "BBC", "en-us", "B, B, C"),
        ("spell-out", "  x\n 7 ", "en-us", "x, seven"),
        ("verbatim", "a-1.b@c", "en-us", "a, dash, one, dot, b, at, c"),
        ("characters", "k-9", "nl", "k, streepje, negen"),
        ("characters", "x@y", "de", "x, ät, y"),
        ("characters", "né-9", "fr", "n, é, 9"),
        ("characters", "１９Ａ", "en-us", "one, nine, A-"),
        ("digits", "2007", "en-us", "two zero zero seven"),
        ("digits", "20-07", "de", "zwei null null sieben"),
        ("digits", "207", "es", "2 0 7"),
        (
            "telephone",
            "+44 (020) 7946-0958",
            "en-gb",
            "plus four four, oh two oh, seven nine four six, oh nine five eight",
        ),
        ("telephone", "020 123", "nl", "nul twee nul, één twee drie"),
        ("telephone", "+33 12", "fr", "+ 3 3, 1 2"),
        ("cardinal", "1984", "en-us", "one thousand nine hundred eighty-four"),
        ("number", "1,984", "en-us", "one thousand nine hundred eighty-four"),
        ("cardinal", "105", "en-gb", "one hundred and five"),
        ("cardinal", "-1.50", "en-us", "minus one point five zero"),
        ("cardinal", "1.984,5", "de", "eintausendneunhundertvierundachtzig Komma fünf"),
        ("cardinal", "007", "nl", "zeven"),
        ("cardinal", "1.984", "fr", "1984"),
        ("ordinal", "21", "en-us", "twenty-first"),
        ("ordinal", "3rd", "en-us", "third"),
        ("ordinal", "3", "nl", "derde"),
        ("ordinal", "3e", "nl", "derde"),
        ("date", "the day after", "en-us", "the day after"),
        ("time", "2:30pm", "en-us", "two thirty p.m."),
        ("time", "14:30", "de", "vierzehn Uhr dreißig"),
        ("currency", "$5", "en-us", "five dollars"),
        ("fraction", "1/2", "nl", "een half"),
    ],
)
def test_it_is_read_as_it_was_asked_for(kind: str, content: str, language: str, expected: str) -> None:
    assert heard(content, kind, language) == expected


@pytest.mark.parametrize(
    ("content", "order", "language", "expected"),
    [
        ("22/11/1963", "dmy", "en-us", "November twenty-two, nineteen sixty-three"),
        ("03/04/1963", "mdy", "en-us", "March four, nineteen sixty-three"),
        ("03/04/1963", "dmy", "en-us", "April three, nineteen sixty-three"),
        ("19630304", "yyyymmdd", "en-us", "March four, nineteen sixty-three"),
        ("1963.3.4", "ymd", "nl", "vier maart negentienhonderd drieënzestig"),
        ("3-4", "md", "en-us", "March four"),
        ("3-4", "md", "de", "vierter März"),
        ("3-4", "dm", "nl", "drie april"),
        ("3-1963", "my", "en-us", "March nineteen sixty-three"),
        ("1984", "y", "en-us", "nineteen eighty-four"),
    ],
)
def test_a_date_is_read_in_the_order_of_its_format(content: str, order: str, language: str, expected: str) -> None:
    assert heard(content, "date", language, order) == expected


def test_german_ordinals_and_dates_bend_with_what_stands_before() -> None:
    assert heard("3", "ordinal", "de", behind="der ") == "der dritte"
    assert heard("3", "ordinal", "de", behind="am ") == "am dritten"
    assert heard("3.4.1963", "date", "de", "dmy", behind="am ") == "am dritten April neunzehnhundertdreiundsechzig"


@pytest.mark.parametrize(
    ("content", "kind", "language", "order"),
    [
        ("bleep", "expletive", "en-us", ""),
        ("one", "cardinal", "en-us", ""),
        ("1.2.3", "cardinal", "en-us", ""),
        ("1,2345", "cardinal", "en-us", ""),
        ("9" * 5000, "cardinal", "en-us", ""),
        ("III", "ordinal", "en-us", ""),
        ("3", "ordinal", "fr", ""),
        ("none", "digits", "en-us", ""),
        ("none", "telephone", "en-us", ""),
        ("13/13/1963", "date", "en-us", "mdy"),
        ("22/11/63", "date", "en-us", "dmy"),
        ("1963", "date", "en-us", "mdy"),
        ("1963", "date", "en-us", "q"),
        ("22/11/1963", "date", "fr", "dmy"),
        ("000:", "date", "en-us", "dm"),
    ],
)
def test_what_cannot_be_read_so_is_not_guessed_at(content: str, kind: str, language: str, order: str) -> None:
    assert say_as(content, kind, language=language, date_format=order) is None


@given(st.integers(0, 10**15 - 1))
def test_a_cardinal_is_never_a_year(number: int) -> None:
    assert say_as(str(number), "cardinal", language="en-us") == cardinal(number)
    assert say_as(f"{number:,}", "cardinal", language="en-us") == cardinal(number)


@given(st.integers(2000, 10**6))
def test_numbers_of_dutch_and_german_are_those_of_num2words(number: int) -> None:
    assert say_as(str(number), "cardinal", language="de") == num2words(number, lang="de")
    assert say_as(str(number), "ordinal", language="nl") == num2words(number, lang="nl", to="ordinal")


@given(
    st.text(max_size=30),
    st.sampled_from(("characters", "digits", "telephone", "cardinal", "ordinal", "date", "time")),
    st.sampled_from(("en-us", "en-gb", "nl", "de", "fr", "")),
    st.sampled_from(("", "mdy", "ymd", "yyyymmdd", "dm", "y", "\ud800")),
)
def test_nothing_fails_and_what_is_said_can_be_read(content: str, kind: str, language: str, order: str) -> None:
    words = say_as(content, kind, language=language, date_format=order)
    assert words is None or Reader(language).read(words).text == normalise(words, language)


@pytest.mark.parametrize(("language", "text"), [("en-us", "A, b a"), ("nl", "a, b"), ("fr", "a b")])
def test_espeak_says_each_letter_by_its_name(language: str, text: str) -> None:
    pytest.importorskip("piper")
    phonemise = EspeakPhonemiser(language)
    letters = [letter for letter in text if letter.isalpha()]
    spelled = say_as(text, "characters", language=language) or ""
    [sentence] = phonemise(Reader(language).read(spelled).spoken)
    [names] = zip(*(phonemise(f"{letter}.") for letter in letters), strict=True)
    assert "".join(sentence).split(", ") == ["".join(name).rstrip(".") for name in names]
