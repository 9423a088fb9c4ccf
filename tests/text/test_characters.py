"""What is removed from the characters of a text, what is respelled, and what must stay."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import EspeakPhonemiser
from text.characters import clean

# Anything at all, and often what is difficult: brackets, joiners, surrogates, shapes of letters, combining marks.
Texts = st.text(
    st.one_of(st.characters(), st.sampled_from("[]［］ ab.é\u0301\u200b\u200c\u200d\ufeff\u00ad\ud800\x00ﬁｶﾞ①…²“—ن"))
)


@given(Texts)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(Texts)
def test_nothing_unreadable_is_left(text: str) -> None:
    plain = clean(text)
    categories = {unicodedata.category(character) for character in plain if character not in "\u200c\u200d"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert plain == " ".join(plain.split())
    plain.encode()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_ascii_stays_as_it_is(text: str) -> None:
    assert clean(text) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffHel\u00adlo\u200b wor\u2060ld\x00\ud800", "Hello world"),
        (" a\t b\r\n\u00a0c\u2028\u3000d ", "a b c d"),
        ("１９８４ ＡＢＣ！", "1984 ABC!"),
        ("ﬁne ﬂat Ⅳ 𝐛old 𝟞 ①", "fine flat IV bold 6 1"),
        ("“It’s” ‘so’ «bon» „gut‟", '"It\'s" \'so\' "bon" "gut"'),
        ("twenty‐one −5", "twenty-one -5"),
        ("1914–1918 word—word ‒ ―", "1914–1918 word—word – —"),
        ("cafe\u0301 e\u0302te\u0301", "café êté"),
        ("m² ½ 1º © №", "m² ½ 1º © №"),
        ("ｶﾞ", "ガ"),
        ("wait…", "wait..."),
        ("می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"),
        ("a\u200cb\u200d", "ab"),
        ("say [[ tʰuː ]] ﬁne", "say [[ tʰuː ]] fine"),
        ("[[a\x00ʲ]]", "[[aʲ]]"),
    ],
)
def test_what_becomes_of_a_text(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("chapter ２１", "chapter 21"),
        ("\ufeffhello", "hello"),
        ("hel\u00adlo", "hello"),
        ("hel\u200blo wor\x00ld", "hello world"),
        ("don’t", "don't"),
        ("𝐡ello", "hello"),
    ],
)
def test_espeak_reads_the_clean_text_as_the_plain_one(text: str, plain: str) -> None:
    pytest.importorskip("piper")
    phonemise = EspeakPhonemiser("en-us")
    assert phonemise(clean(text)) == phonemise(plain)
