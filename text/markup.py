"""Markup in plain text: HTML entities are decoded, tags and language markers removed."""

import html
import re
from collections.abc import Sequence

from text.characters import split_blocks
from text.tables import words

_MOST_PASSES = 3  # what was escaped twice is &amp;amp;
_ENTITY = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});|&(?:amp|nbsp|quot|#\d{2,5})(?![\w;])"
)
_BLOCKS = words(
    """
    address article aside blockquote body br button caption center dd div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 head header hr html img input label legend li main nav ol option p pre script section select style
    table tbody td textarea tfoot th thead title tr ul video audio iframe
    """
)
_INLINE = words(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub sup
    time tt u var wbr
    """
)
_ATTRIBUTE = r"\s{1,9}[\w:@.-]{1,60}(?:\s{0,3}=\s{0,3}(?:\"[^\"<>]{0,999}\"|'[^'<>]{0,999}'|[^\s\"'<>=]{1,300}))"
_BARE = (  # attributes that need no value
    r"\s{1,9}(?:async|autofocus|autoplay|checked|compact|controls|default|defer|disabled|hidden|ismap|loop|multiple|muted"
    r"|noshade|novalidate|nowrap|open|readonly|required|reversed|selected)(?![\w=-])"
)
_LANGUAGES = "EN|ZH|JA|KO|DE|FR|ES|IT|NL|RU|PT|PL|SV|TR|AR|HI|VI|TH|UK|CS|SA|SH|GD"
_MARKUP = re.compile(
    r"<(?P<whole>script|style)\b[^<>]{0,300}>.{0,2000}?</(?P=whole)\s{0,3}>"
    r"|<!--.{0,2000}?-->|<![A-Za-z][^<>]{0,300}>|<\?[^<>]{1,300}\?>"
    rf"|</?(?P<name>[A-Za-z][\w:-]{{0,30}})(?P<attributes>(?:{_ATTRIBUTE}?){{0,20}})\s{{0,9}}/?>"
    rf"|<\|[\w-]{{1,40}}\|>|\[/?(?:{_LANGUAGES})\]|\[[a-z]{{2}}[-_][A-Za-z]{{2}}\]",
    re.DOTALL | re.IGNORECASE,
)
_TYPE = re.compile(
    r"int\d{0,2}|float|double|bool|char|str|string|long|void|size_t|[A-Z]\w*"
)  # vector<int>, List<String>
_MARKER = re.compile(rf"\[/?(?:{_LANGUAGES})\]")
_ALL_SET = re.compile(rf"(?:{_ATTRIBUTE}|{_BARE})*", re.IGNORECASE)
_LINK = re.compile(
    r"(?:\[|(!)\[)([^\[\]\n]{1,200})\]\((?(1)|(?:https?://|mailto:|[/#.]))[^\s()]{0,500}\)"
    r"|\[(?P<code>b|i|u|s|url|quote|code|size|color|center)(?:=[^\[\]\s]{1,200})?\](?P<inside>[^\[\]]{0,2000})"
    r"\[/(?P=code)\]|<!\[CDATA\[(?P<data>[^\[\]]{0,2000})\]\]>",
    re.IGNORECASE,
)


def plain_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without markup, and the markup that was removed, in order.

    A tag of a block element, such as a paragraph or a row, becomes a line break. `[[phonemes]]` stay.
    """
    if "<" not in text and "&" not in text and "[" not in text:
        return text, ()
    found: list[str] = []
    parts = split_blocks(text)
    parts[::2] = [_plain(part, found) for part in parts[::2]]
    return "".join(parts), tuple(found)


def shown(markup: Sequence[str], most: int = 8) -> str:
    """The markup for a message: each once, at most `most`."""
    different = list(dict.fromkeys(markup))
    more = f" and {len(different) - most} more" if len(different) > most else ""
    return " ".join(one[:40] for one in different[:most]) + more


def _plain(text: str, found: list[str]) -> str:
    for _ in range(_MOST_PASSES):
        decoded = _ENTITY.sub(lambda match: _decoded(match, found), text)
        if decoded == text:
            break
        text = decoded
    pieces, end = list[str](), 0
    tags = list[re.Match[str]]()  # that follow each other
    for match in filter(_is_markup, _MARKUP.finditer(text)):
        found.append(match[0])
        if tags and match.start() != tags[-1].end():
            pieces += (text[end : tags[0].start()], _between(tags, text))
            end = tags[-1].end()
            tags = []
        tags.append(match)
    if tags:
        pieces += (text[end : tags[0].start()], _between(tags, text))
        end = tags[-1].end()
    pieces.append(text[end:])
    text = "".join(pieces)
    for _ in range(_MOST_PASSES):  # from the inside out
        if text == (text := _LINK.sub(lambda match: _linked(match, found), text)):
            break
    return text


def _decoded(match: re.Match[str], found: list[str]) -> str:
    character = html.unescape(match[0] if match[0].endswith(";") else f"{match[0]};")
    if len(character) > 2:  # no name of an entity
        return match[0]
    found.append(match[0])
    return character


def _linked(match: re.Match[str], found: list[str]) -> str:
    found.append(match[0])
    return match[2] or match["inside"] or match["data"] or ""


def _is_markup(match: re.Match[str]) -> bool:
    """Whether it is a tag: not `a <b and c> d`, not `vector<int>`, not an editor's [it]."""
    if match[0].startswith("["):
        return _MARKER.fullmatch(match[0]) is not None or len(match[0]) == 7
    name = (match["name"] or "").lower()
    if not name:
        return True
    if name in _BLOCKS or name in _INLINE:
        return _ALL_SET.fullmatch(match["attributes"]) is not None
    before, closing = match.string[match.start() - 1 : match.start()], f"</{match['name']}>"
    if before.isalnum() and _TYPE.fullmatch(match[0][1:-1]):
        return match.string.find(closing, match.end(), match.end() + 2000) > 0
    return len(name) > 1 and "://" not in match[0] and _ALL_SET.fullmatch(match["attributes"]) is not None


def _between(tags: list[re.Match[str]], text: str) -> str:
    """The replacement of adjacent tags: a line break, a space or nothing."""
    names = {(tag["name"] or tag["whole"] or "").lower() for tag in tags}
    if names & _BLOCKS:
        return "\n"
    before, after = text[tags[0].start() - 1 : tags[0].start()], text[tags[-1].end() : tags[-1].end() + 1]
    closes_and_opens = len(tags) > 1 and tags[0][0].startswith("</") and not tags[-1][0].startswith("</")
    return "" if names <= _INLINE and not closes_and_opens and not (before.islower() and after.isupper()) else " "
