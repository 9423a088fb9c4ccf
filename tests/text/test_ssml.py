"""SSML: which words of a document are spoken, and as what."""

import contextlib
import unicodedata
import warnings
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from tests.text.spoken_ssml import said, texts
from text import TextFrontEnd, piper_symbols
from text.ssml import NAMESPACE, STRENGTHS, Break, TextPiece, parse_ssml

# Whatever XML can hold, and often what has a meaning to one of the two readers.
Texts = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
        st.sampled_from("[]<>&'\";. \n\t"),
    )
)


@given(Texts)
def test_plain_text_passes_unchanged_but_for_white_space(text: str) -> None:
    expected = " ".join(text.split())
    spoken = bool(expected.strip(" .,;:!?'\"()-–—…¿¡«»“”‘’"))
    assert said(escape(text)) == ([TextPiece(expected, 1.0)] if spoken else [])
    cdata = "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
    assert said(cdata) == said(escape(text))


@given(Texts.filter(lambda text: any(map(str.isalnum, text))), st.sampled_from(("emphasis", "voice", "w", "lang")))
def test_what_only_changes_the_manner_changes_no_word(text: str, element: str) -> None:
    with pytest.warns(UserWarning, match=f"<{element}> is not supported: what is inside is spoken"):
        spoken = parse_ssml(f"<speak>before <{element}>{escape(text)}</{element}> after</speak>")
    assert spoken == [TextPiece(" ".join(f"before {text} after".split()), 1.0)]


def test_paragraphs_and_sentences_are_spoken_by_themselves() -> None:
    inside = (
        "\n <p>\n First things\n first </p> <p><s>Then a heading</s><s>and its text. It is long.</s> loose</p> end "
    )
    assert texts(inside) == ["First things first", "Then a heading", "and its text. It is long.", "loose", "end"]


def test_a_whole_document_has_a_declaration_a_namespace_and_comments() -> None:
    document = f"""\ufeff<?xml version="1.0" encoding="ISO-8859-1"?>
<?render no?><speak version="1.1" xmlns="{NAMESPACE}" xmlns:x="urn:x" xml:lang="en-US" x:any="1">
  <metadata><x:about>nobody <x:hears>this</x:hears></x:about></metadata>
  <s id="a" xml:lang="en">Café<!-- no --> ol&#233; &amp; more</s><mark name="here"/>
</speak>"""
    assert parse_ssml(document) == [TextPiece("Café olé & more", 1.0)]


# Documents of every element, well placed or not, with values that are right or nearly so.
_VALUES = st.sampled_from(
    ["", "x", "1s", "-1s", "60s", "61s", "50%", "0.01", "ipa", "tu", "[", "date", "ymd", "digits", "alias", "'", "5"]
)
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["time", "strength", "rate", "pitch", "ph", "alphabet", "alias", "interpret-as", "format", "id", "name"]
    ),
    _VALUES,
    max_size=3,
)
_LEAVES = st.sampled_from(
    [
        "a",
        " b. ",
        "5",
        "[[",
        "]]",
        "[[x]]",
        '"',
        "(",
        "&amp;",
        "&#8217;",
        ",",
        " ",
        "<![CDATA[<b>]]>",
        "<!-- c -->",
        "é",
    ]
)
_TAGS = st.sampled_from(
    ["s", "p", "break", "prosody", "phoneme", "say-as", "sub", "mark", "voice", "emphasis", "lang", "metadata", "speak"]
)
Anything = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        lambda tag, attributes, inside: (
            f"<{tag}{''.join(f' {name}={quoteattr(value)}' for name, value in attributes.items())}>"
            f"{''.join(inside)}</{tag}>"
        ),
        _TAGS,
        _ATTRIBUTES,
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.lists(Anything, max_size=4).map("".join), st.sampled_from(("en-us", "de", "fr")))
def test_any_document_is_spoken_or_refused(inside: str, language: str) -> None:
    pytest.importorskip("piper")
    front_end = TextFrontEnd(kind="espeak", language=language, symbols=piper_symbols())
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore")
        for part in parse_ssml(f"<speak>{inside}</speak>", language=language):
            if isinstance(part, TextPiece):
                front_end.sentences(part.text)


def test_a_document_may_begin_with_quoted_phonemes() -> None:
    pytest.importorskip("piper")
    (part,) = said('"<phoneme ph="təmˈɑːtoʊ">tomato</phoneme>" it is')
    assert isinstance(part, TextPiece)
    front_end = TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())
    assert ["".join(s.symbols) for s in front_end.sentences(part.text)] == ["təmˈɑːtoʊ ɪɾ ˈɪz"]


def test_phonemes_stand_in_the_place_of_their_text() -> None:
    assert texts('Two <phoneme alphabet="ipa" ph=" təˈmɑːtəʊ ">tomato</phoneme>es, <phoneme ph="ə"/>.') == [
        "Two [[təˈmɑːtəʊ]]es, [[ə]]."
    ]


@given(st.lists(st.one_of(st.text("[]ab ", max_size=5), st.just("\0")), max_size=6))
def test_brackets_in_the_text_never_change_what_the_phonemes_are(parts: list[str]) -> None:
    # A block that the text itself closes stays one; the rest cannot swallow the phonemes that follow.
    inside = "".join('<phoneme ph="x"/>' if part == "\0" else part for part in parts)
    text = " ".join(texts(inside + ' c<phoneme ph="y"/>'))
    blocks = []
    while (start := text.find("[[")) >= 0 and (end := text.find("]]", start)) >= 0:
        blocks.append(text[start : end + 2])
        text = text[end + 2 :]
    assert blocks.count("[[x]]") == parts.count("\0")
    assert blocks[-1] == "[[y]]"


def test_phonemes_are_the_same_composed_and_decomposed() -> None:
    pytest.importorskip("piper")
    front_end = TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())
    phonemes = "ɛ\u0303ç"  # one symbol that has a composed form, and one that has none
    ids = set()
    for form in ("NFC", "NFD"):
        [text] = texts(f"so <phoneme ph={quoteattr(unicodedata.normalize(form, phonemes))}>un</phoneme> go")
        [encoded] = front_end.sentences(text)
        assert not encoded.unknown
        ids.add(encoded.ids)
        assert "".join(encoded.symbols).count(unicodedata.normalize("NFD", phonemes)) == 1
    assert len(ids) == 1


def test_a_substitute_is_spoken_instead() -> None:
    assert texts('the <sub alias="World Wide\n Web Consortium">W3C</sub>\'s &lt;tag&gt;') == [
        "the World Wide Web Consortium's <tag>"
    ]


def test_what_is_said_as_something_else_is_read_in_the_language() -> None:
    inside = 'am <say-as interpret-as="ordinal">3</say-as> um <say-as interpret-as="digits">007</say-as>'
    assert texts(inside, "de") == ["am dritten um null null sieben"]
    inside = '<say-as interpret-as="date" format="dmy">3.4.1963</say-as>, <say-as interpret-as="characters">ok</say-as>'
    assert texts(inside) == ["1963-04-03, o, k"]


def test_what_cannot_be_read_so_is_read_as_it_stands_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="'three' cannot be read as 'ordinal' in the language 'fr', and is read as"):
        spoken = parse_ssml('<speak>le <say-as interpret-as="ordinal">three</say-as></speak>', language="fr")
    assert spoken == [TextPiece("le three", 1.0)]


def test_elements_of_others_are_spoken_through() -> None:
    with pytest.warns(UserWarning, match="<express-as> is not supported"):
        spoken = parse_ssml('<speak xmlns:m="urn:m"><m:express-as style="x">hi<break/></m:express-as></speak>')
    assert spoken == [TextPiece("hi", 1.0), Break(STRENGTHS["medium"])]
