"""Lines as paragraphs: items and headings are sentences, wrapped prose is not cut."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import TextFrontEnd, piper_symbols
from text.layout import paragraphs

PROSE = (
    "It was the best of times, it was the worst of times, and Peter Parker of New York had met a man called Mr. Smith"
    " in the house of his old friend Doctor Green who lived in a small town by the sea where nobody ever came in winter"
    " and where the days were so long that even the gulls would sleep through most of them without being missed at all"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fruits:\nApple\nBanana", ["Fruits:", "Apple", "Banana"]),
        ("Fruits:\r\nApple\rBanana\u2028Pear", ["Fruits:", "Apple", "Banana", "Pear"]),
        ("milk\neggs\nbrown bread", ["milk", "eggs", "brown bread"]),
        ("- one\n* two\n  goes on here\n• three", ["one", "two goes on here", "three"]),
        ("To do:\n1. Buy milk\n2) Go home\n(3) Sleep", ["To do:", "1. Buy milk", "2) Go home", "(3) Sleep"]),
        ("# Title\nSome text.\n## Part\nMore", ["Title", "Some text.", "Part", "More"]),
        ("Title\n=====\nText", ["Title", "Text"]),
        ("One\n\n\n***\n\nTwo", ["One", "Two"]),
        ("Name\tAge\nTom\t5", ["Name, Age", "Tom, 5"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["a, b", "1, 2"]),
        ("> Hello John,\n> how are you?\n\nFine", ["Hello John, how are you?", "Fine"]),
        (">100 people came", [">100 people came"]),
        ("Best regards,\nTom Smith\nAcme Corp", ["Best regards, Tom Smith", "Acme Corp"]),
        ("the quick brown fox jumps over\nthe lazy dog", ["the quick brown fox jumps over the lazy dog"]),
        ("He spoke to Mr.\nSmith, who left", ["He spoke to Mr. Smith, who left"]),
        ("an exam-\nple of two-\nand three-year plans", ["an exam-ple of two- and three-year plans"]),
        ("Say [[a\nb]] now\nThen", ["Say [[a b]] now", "Then"]),
        (
            "CHAPTER ONE\nIt was a dark and stormy night and the rain fell in torrents,\nexcept at times",
            [
                "CHAPTER ONE",
                "It was a dark and stormy night and the rain fell in torrents, except at times",
            ],
        ),
        (
            "Shall I compare thee to a summer's day?\nThou art more lovely\nAnd more temperate",
            ["Shall I compare thee to a summer's day? Thou art more lovely", "And more temperate"],
        ),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_lines_become_paragraphs(text: str, expected: list[str]) -> None:
    assert list(paragraphs(text)) == expected


@pytest.mark.parametrize("width", range(55, 100, 3))
@pytest.mark.parametrize("indent", ["", "> ", "  "])
def test_wrapped_prose_is_one_paragraph_whatever_its_width(width: int, indent: str) -> None:
    wrapped = textwrap.indent(textwrap.fill(PROSE, width, break_on_hyphens=False), indent)
    (paragraph,) = paragraphs(wrapped)
    assert paragraph.split() == PROSE.split()


@given(
    st.lists(
        st.sampled_from(["Apple", "Green beans", "10 eggs", "Milk (cold)", "Brot", "Äpfel"]), min_size=1, max_size=20
    )
)
def test_each_short_line_that_begins_with_a_capital_or_number_is_a_paragraph(lines: list[str]) -> None:
    assert list(paragraphs("\n".join(lines))) == lines


@given(st.text(st.sampled_from("ab A1.,:-*#>|\t\n[]=é。"), max_size=200))
def test_no_letter_is_lost_and_no_paragraph_has_lines(text: str) -> None:
    found = list(paragraphs(text))
    assert not any(line != " ".join(line.splitlines()) for line in found)
    assert [c for c in "".join(found) if c.isalnum()] == [c for c in text if c.isalnum()]


def test_items_are_sentences_to_the_ear() -> None:
    pytest.importorskip("piper")
    front_end = TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())
    assert len(front_end.sentences("Fruits:\nApple\nBanana")) == 3
    assert len(front_end.sentences("the quick brown fox\njumps over the lazy dog today")) == 1
    # A row of a corpus is one utterance of the same sentences.
    row = front_end.utterance("<ul><li>Apple</li><li>Banana</li></ul>")
    assert "".join(row.symbols) == " ".join("".join(s.symbols) for s in front_end.sentences("Apple\nBanana"))
