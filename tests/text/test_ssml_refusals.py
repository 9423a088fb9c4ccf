"""Mistaken and hostile SSML: a mistake is one sentence with its place, and time is in proportion to the document."""

import contextlib
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from text.ssml import Break, TextPiece, parse_ssml


def refused(document: str) -> str:
    with pytest.raises(InputError) as refusal:
        parse_ssml(document)
    message = str(refusal.value)
    assert "\n" not in message
    return message


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
