"""SSML: what is said, how fast, with which silences, and what is refused."""

import contextlib
import itertools
import time
import unicodedata
import warnings
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from text import TextFrontEnd, piper_symbols
from text.ssml import NAMESPACE, RATES, STRENGTHS, Break, TextPiece, parse_ssml

# Whatever XML can hold, and often what has a meaning to one of the two readers.
Texts = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
        st.sampled_from("[]<>&'\";. \n\t"),
    )
)
# A piece of a document, and the words in it.
Documents = st.recursive(
    st.sampled_from([("a ", "a"), (" b. ", "b"), ("c", "c"), (", ", ""), ("<break/>", ""), ('<break time="0s"/>', "")]),
    lambda pieces: st.builds(
        lambda tag, inside: (
            f"<{tag}>{''.join(markup for markup, _ in inside)}</{tag.split()[0]}>",
            "".join(words for _, words in inside),
        ),
        st.sampled_from(["s", "p", 'prosody rate="101%"', 'prosody rate="medium"']),
        st.lists(pieces, max_size=5),
    ),
)


def said(inside: str, language: str = "en-us") -> list[TextPiece | Break]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parse_ssml(f"<speak>{inside}</speak>", language=language)


def texts(inside: str, language: str = "en-us") -> list[str]:
    return [part.text for part in said(inside, language) if isinstance(part, TextPiece)]


def speeds(inside: str) -> list[float]:
    return [part.speed for part in said(inside) if isinstance(part, TextPiece)]


def refused(document: str) -> str:
    with pytest.raises(InputError) as refusal:
        parse_ssml(document)
    message = str(refusal.value)
    assert "\n" not in message
    return message


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


# ---------------------------------------------------------------------------------------------------------- silence


def test_a_break_is_as_long_as_it_says() -> None:
    assert said('One.<break time="1500ms"/>Two.<break time="1.5s"/> Three.<break time=" +.5s "/>') == [
        TextPiece("One.", 1.0),
        Break(1.5),
        TextPiece("Two.", 1.0),
        Break(1.5),
        TextPiece("Three.", 1.0),
        Break(0.5),
    ]


def test_a_break_without_a_time_is_as_long_as_its_strength() -> None:
    lengths = [said(f'a<break strength="{strength}"/>')[-1] for strength in list(STRENGTHS)[1:]]
    seconds = [length.seconds for length in lengths if isinstance(length, Break)]
    assert len(seconds) == 5
    assert seconds == sorted(set(seconds))
    assert said("a<break/>") == said('a<break strength="medium"/>')
    assert said('a<break strength="x-strong" time="1ms"/>')[-1] == Break(0.001)


def test_breaks_in_a_row_are_one() -> None:
    assert said('<break/><p><break time="1s"/></p>a<break/><break/>.') == [
        Break(1.75),
        TextPiece("a", 1.0),
        Break(1.5),
    ]


def test_no_silence_joins_sentences_and_splits_none() -> None:
    assert said('one <break strength="none"/> two') == [TextPiece("one two", 1.0)]
    assert said('<s>One.</s><break time="0s"/><s>Two.</s>') == [
        TextPiece("One.", 1.0),
        Break(0),
        TextPiece("Two.", 1.0),
    ]


@pytest.mark.parametrize("silent", ['<break strength="none"/>', '<break time="0s"/>', '<mark name="a"/>'])
@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("one|two", "one two"),
        ("one|||two", "one two"),
        ("one\n|\n|two", "one two"),
        ("one|, two|.", "one, two."),
        ('(|one|) "|two|"', '(one) "two"'),
        ('one|<phoneme ph="tu">x</phoneme>|three', "one [[tu]] three"),
        ('1|<sub alias="two">2</sub>|3', "1 two 3"),
    ],
)
def test_a_word_ends_where_something_stands_that_is_not_heard(silent: str, inside: str, text: str) -> None:
    assert said(inside.replace("|", silent)) == [TextPiece(text, 1.0)]


@pytest.mark.parametrize("silent", ['<break strength="none"/>', '<mark name="a"/>', "<metadata>no</metadata>"])
@pytest.mark.parametrize(
    "inside",
    ["$|5", "US$|5.20", "don|'t", "don|’t", "one|-two", "x—“|one”", 'x—"|one"', "([|one])|", "say:„|eins|“."],
)
def test_what_is_not_heard_splits_no_word_amount_or_quotation(silent: str, inside: str) -> None:
    assert said(inside.replace("|", silent)) == [TextPiece(inside.replace("|", ""), 1.0)]


@pytest.mark.parametrize(
    ("inside", "at_break", "at_mark"),
    [
        ('one|"two"', 'one "two"', 'one"two"'),
        ("is|'good'", "is 'good'", "is'good'"),
        ("one|.5", "one .5", "one.5"),
        ("5€|and", "5€ and", "5€and"),
        ("“one”|two", "“one” two", "“one”two"),
        ("3,|5", "3, 5", "3,5"),
        ("की|बात", "की बात", "की बात"),
    ],
)
def test_a_break_parts_words_that_marks_stand_between_and_a_mark_does_not(
    inside: str, at_break: str, at_mark: str
) -> None:
    assert texts(inside.replace("|", '<mark name="a"/>')) == [at_mark]
    assert texts(inside.replace("|", '<break time="0s"/>')) == [at_break]
    assert texts(inside.replace("|", '<mark name="a"/><break time="0s"/><mark name="b"/>')) == [at_break]


def test_a_mark_between_two_sentences_leaves_them_two() -> None:
    assert " ".join(texts('Hello.<mark name="a"/>World.')) == "Hello. World."


def test_a_mark_in_what_is_replaced_ends_no_word() -> None:
    assert texts('a <sub alias="two">2<mark name="a"/></sub>nd') == ["a twond"]
    assert texts('<say-as interpret-as="cardinal">1<mark name="a"/>2</say-as>s') == ["twelves"]


@given(Documents)
def test_every_word_is_said_and_never_are_there_two_breaks_in_a_row(document: tuple[str, str]) -> None:
    inside, words = document
    spoken = said(inside)
    assert not any(isinstance(one, Break) and isinstance(next, Break) for one, next in itertools.pairwise(spoken))
    assert "".join(filter(str.isalpha, "".join(part.text for part in spoken if isinstance(part, TextPiece)))) == words


# ------------------------------------------------------------------------------------------------------------ speed


@pytest.mark.parametrize(
    ("rate", "speed"),
    [
        *RATES.items(),
        *((("100%", 1), ("50%", 0.5), ("+20%", 1.2), ("-20%", 0.8), ("1.25", 1.25), (".5", 0.5), (" 2 ", 2))),
    ],
)
def test_a_rate_is_a_word_a_factor_or_a_percentage(rate: str, speed: float) -> None:
    assert speeds(f'<prosody rate="{rate}">go</prosody>') == [pytest.approx(speed)]


def test_rates_named_by_words_are_ordered() -> None:
    rates = [RATES[rate] for rate in ("x-slow", "slow", "medium", "fast", "x-fast")]
    assert rates == sorted(set(rates))
    assert RATES["default"] == RATES["medium"] == 1


@given(st.lists(st.integers(50, 200), min_size=1, max_size=4))
def test_nested_rates_multiply(percentages: list[int]) -> None:
    opening = "".join(f'<prosody rate="{percentage}%">' for percentage in percentages)
    inside = f"before. {opening}within.{'</prosody>' * len(percentages)} after."
    product = 1.0
    for percentage in percentages:
        product *= percentage / 100
    if all(percentage == 100 for percentage in percentages):
        assert texts(inside) == ["before. within. after."]
    else:
        assert texts(inside) == ["before.", "within.", "after."]
        assert speeds(inside) == [1, pytest.approx(product), 1]


def test_a_sentence_goes_on_without_a_pause_where_only_the_speed_changes() -> None:
    assert said('He said it <prosody rate="slow">slowly</prosody>, and left.') == [
        TextPiece("He said it", 1.0),
        Break(0.0),
        TextPiece("slowly,", RATES["slow"]),
        Break(0.0),
        TextPiece("and left.", 1.0),
    ]
    assert said('One<prosody rate="2">, two,</prosody>." Three') == [
        TextPiece("One,", 1.0),
        Break(0.0),
        TextPiece("two,", 2.0),
        TextPiece("Three", 1.0),
    ]
    assert said('<s>One</s><prosody rate="2">two</prosody><s>three</s>') == [
        TextPiece("One", 1.0),
        TextPiece("two", 2.0),
        TextPiece("three", 1.0),
    ]


def test_other_kinds_of_prosody_are_left_out_with_a_warning() -> None:
    document = '<speak><prosody pitch="+2st" volume="loud" rate="2">go</prosody></speak>'
    with (
        pytest.warns(UserWarning, match="<prosody pitch> is not supported: only the rate changes"),
        pytest.warns(UserWarning, match="<prosody volume> is not supported: only the rate changes"),
    ):
        assert parse_ssml(document) == [TextPiece("go", 2.0)]


# ---------------------------------------------------------------------------------------------- other things to say


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


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", "has no <speak>: put what shall be said between"),
        ("hello", "has no <speak>"),
        ("<speak>\n you & me</speak>", "line 2, column 7: .*write & as &amp;"),
        ("<speak>\n <p>no end</speak>", "line 2, column 13: mismatched tag; close every tag"),
        ("<speak>&nbsp;</speak>", "line 1, column 8: undefined entity"),
        ("<speak>\x01</speak>", "line 1, column 8"),
        ("<speak>\ud800</speak>", "line 1, column 8"),
        ("<s>a<speak/></s>", "line 1, column 1: the document begins with <s>"),
        ("<speak><s><speak/></s></speak>", "column 11: <speak> stands within another"),
        (
            "<speak>\n  <brake/></speak>",
            "line 2, column 3: <brake> is not known, did you mean break.; there are speak, p",
        ),
        ("<speak><Break/></speak>", "<Break> is not known, did you mean break"),
        (
            '<speak><break tiem="1s"/></speak>',
            "<break> has no attribute 'tiem', did you mean time.; it has id, strength",
        ),
        *(
            (f'<speak><break time="{time}"/></speak>', "give a time such as 500ms or 1.5s, of at most 60 s")
            for time in ("1", "-1s", "1m", "61s", "nan", "infs", "1e3s", "", "1 s")
        ),
        ('<speak><break strength="loud"/></speak>', 'strength="loud">: give none, x-weak'),
        *(
            (f'<speak><prosody rate="{rate}">a</prosody></speak>', "give x-slow, slow, .* or a percentage")
            for rate in ("quick", "+0.5", "nan", "1e1", "", "%", "1,5")
        ),
        *(
            (f'<speak><prosody rate="{rate}">a</prosody></speak>', "stay between 0.05 and 20")
            for rate in ("0", "-100%", "-150%", "2001%", "999999999")
        ),
        (
            "<speak><prosody rate='9'>\n<prosody rate='9'>a</prosody></prosody></speak>",
            "line 2, column 1: .* speed of 81",
        ),
        ('<speak><phoneme alphabet="x-sampa" ph="a">a</phoneme></speak>', 'only "ipa" is known'),
        ("<speak><phoneme>a</phoneme></speak>", "give the phonemes in ph, without square brackets"),
        ('<speak><phoneme ph="a]]b">a</phoneme></speak>', "without square brackets"),
        ("<speak><sub>a</sub></speak>", "<sub> has no alias"),
        ("<speak><sub alias='a'><s>b</s></sub></speak>", "<s> stands within <sub>, where there can be no element"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(document: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_ssml(document)
    refused(document)


PIECES = ("<speak>", "</speak>", "<s>", "</s>", "<break/>", '<sub alias="', '"/>', "&", "<", "a", "]]>", "<!--", "\0")


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_comes_in_is_said_or_refused(pieces: str) -> None:
    for document in (pieces, f"<speak>{pieces}</speak>"):
        with contextlib.suppress(InputError):
            assert all(isinstance(part, TextPiece | Break) for part in parse_ssml(document))


def test_entities_are_refused_before_they_grow(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 30))
    bomb = f'<!DOCTYPE speak [<!ENTITY l0 "ha">{laughs}]><speak>&l29;</speak>'
    outside = f'<!DOCTYPE speak [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]><speak>&x;</speak>'
    start = time.process_time()
    for document in (bomb, outside, '<!DOCTYPE speak SYSTEM "http://localhost/a.dtd"><speak>a</speak>'):
        assert "a document type is refused" in refused(document)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "<s>",
        "<voice>",
        "<break/>",
        'a<break strength="none"/>',
        '<prosody rate="110%">,</prosody>',
        'a<prosody rate="110%">, b</prosody>',
        '<phoneme ph="a"/>',
        '[[<phoneme ph="a"/>',
        '<say-as interpret-as="digits">1</say-as>',
        '<sub alias="a"/>',
        "<metadata>",
    ],
)
def test_the_time_is_in_proportion_to_the_document(unit: str) -> None:
    many = 20_000
    closing = f"</{unit[1:-1]}>" * many if unit in ("<s>", "<voice>", "<metadata>") else ""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parse_ssml(f"<speak>{unit * many}{closing}</speak>")
    # Quadratic work on so much takes a minute; the worst here takes a third of a second.
    assert time.process_time() - start < 4
