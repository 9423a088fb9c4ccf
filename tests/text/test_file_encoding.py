"""Text is read whatever encoding it was saved in."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.file_encoding import decode

LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_characters="\x7f"), min_size=8)


@given(text=LATIN, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]))
def test_latin_text_is_read_back_from_every_unicode_encoding(text: str, encoding: str) -> None:
    text = f"It was: {text} and so on."
    assert decode(text.encode(encoding))[0] == text


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_any_text_is_read_back_from_utf_8_and_from_a_file_with_a_mark(text: str) -> None:
    assert decode(text.encode()) == (text, "")
    assert decode(text.encode("utf-8-sig"))[0] == text
    assert decode(text.encode("utf-16")) == (text, "is UTF-16")
    assert decode(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == (text, "is UTF-16")


def test_windows_1252_is_read_and_said() -> None:
    assert decode("Grüße für 5 €".encode("cp1252")) == ("Grüße für 5 €", "is not UTF-8 and was read as Windows-1252")


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\x81\x8d\xff"])
def test_what_is_in_none_of_these_encodings_is_refused(content: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(content)
