"""Markup in plain text: entities are decoded, tags are left out, and both are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import normalise
from text.markup import plain_text, shown

TAGS = "<b> </b> <p> </p> <br/> [EN] [/EN] <|en|> <!-- --> <script> </script>"
PIECES = f"{TAGS} &amp; &#39; &lt; &gt; &x; < > & ; / a b = \" ' # [[ ]]"


@pytest.mark.parametrize(
    ("text", "plain", "markup"),
    [
        ("Tom &amp; Jerry it&#39;s", "Tom & Jerry it's", ("&amp;", "&#39;")),
        ("&amp;amp; &quot;so&quot; &#x41;", '& "so" A', ("&amp;", "&quot;", "&quot;", "&#x41;", "&amp;")),
        ("&lt;i&gt;so&lt;/i&gt;", "so", ("&lt;", "&gt;", "&lt;", "&gt;", "<i>", "</i>")),
        ("AT&T and R&D; &nothing; &", "AT&T and R&D; &nothing; &", ()),
        ("<p>One</p><p class='x'>Two</p>", "\nOne\nTwo\n", ("<p>", "</p>", "<p class='x'>", "</p>")),
        ("<b>W</b>ord and H<sub>2</sub>O", "Word and H2O", ("<b>", "</b>", "<sub>", "</sub>")),
        ("<span>One</span><span>two</span>", "One two", ("<span>", "</span>", "<span>", "</span>")),
        ("[EN]Hello[EN][ZH]ni[ZH]", " Hello ni ", ("[EN]", "[EN]", "[ZH]", "[ZH]")),
        ("<|en|>Hello <unk> <en>you</en>", " Hello    you ", ("<|en|>", "<unk>", "<en>", "</en>")),
        ('a <a href="http://x.org/?a=1&b=2">link</a>', "a link", ('<a href="http://x.org/?a=1&b=2">', "</a>")),
        ("a [link](https://x.org) here", "a link here", ("[link](https://x.org)",)),
        ("<!-- no --><script>var a;</script>Yes", "\nYes", ("<!-- no -->", "<script>var a;</script>")),
        ("a <b and c> d, 5 <a and b> 3", "a <b and c> d, 5 <a and b> 3", ()),
        ("<input checked>Yes", "\nYes", ("<input checked>",)),
        ("[b]so [i]it[/i][/b] is", "so it is", ("[i]it[/i]", "[b]so it[/b]")),
        ("a ![picture](a.png) here", "a picture here", ("![picture](a.png)",)),
        ("<![CDATA[shown]]>", "shown", ("<![CDATA[shown]]>",)),
        ("x < y > z, a<b, 3 <4 and 5> 2", "x < y > z, a<b, 3 <4 and 5> 2", ()),
        ("<john@x.org> <https://x.org/a>", "<john@x.org> <https://x.org/a>", ()),
        ("he said [it] was [sic]", "he said [it] was [sic]", ()),
        ("a vector<int> or List<String>", "a vector<int> or List<String>", ()),
        ("one<BR>two <Note>three</Note>", "one\ntwo  three ", ("<BR>", "<Note>", "</Note>")),
        ("[[<b>&amp;]] <i>x</i>", "[[<b>&amp;]] x", ("<i>", "</i>")),
    ],
)
def test_a_text_without_its_markup(text: str, plain: str, markup: tuple[str, ...]) -> None:
    assert plain_text(text) == (plain, markup)


@pytest.mark.parametrize("language", ["en-us", "de", "nl", "fr"])
def test_no_markup_is_read_as_words(language: str) -> None:
    assert normalise("<p>Tom &#39;x&#39;</p><br/>it&rsquo;s <em>so</em> &hellip;", language) == "Tom 'x' it's so ..."


@given(st.lists(st.sampled_from([*PIECES.split(), " ", "\n"]), max_size=30).map("".join))
def test_a_plain_text_has_no_known_tag_and_time_and_length_are_bounded(text: str) -> None:
    plain, markup = plain_text(text)
    assert len(plain) <= len(text)
    for tag in ("<b>", "<p>", "</p>", "&amp;", "[EN]", "<|en|>"):
        assert tag not in text or "[[" in text or tag in markup or tag not in plain


@pytest.mark.parametrize(
    "unit", ["<", "<a ", "<script>", "<!--", "&", "&#", "&amp;", "[", "[a](", "<b>", "<a b='", "</"]
)
def test_a_long_text_of_markup_takes_bounded_time(unit: str) -> None:
    text = (unit * 50_000)[:50_000]
    assert len(plain_text(text)[0]) <= len(text)  # quadratic work on this much text takes minutes


def test_what_a_message_shows_is_bounded() -> None:
    assert shown(["<b>", "<i>", "<b>"]) == "<b> <i>"
    assert shown([f"<x{number}>" for number in range(20)]).endswith("<x7> and 12 more")
