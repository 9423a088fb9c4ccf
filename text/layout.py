"""Layout: lines of a plain text are joined into paragraphs.

A line that is wrapped (the first word of the next line would not have fit) continues; a shorter line ends a sentence.
Bullets and numbers begin items; headings, rules and table rows are paragraphs of their own.
"""

import re
from collections.abc import Iterator, Sequence

from text.characters import split_blocks

_LINE_END = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_LEAST_WIDTH = 50  # of lines that are wrapped
_QUOTED = re.compile(r"^\s{0,9}(?:>(?!\d)\s?){1,9}")  # of an e-mail
_BULLET = re.compile(r"^\s*(?:[-*+•‣◦▪●○■□]|\[[ xX]\])\s+(?=\S)")
_DASH = re.compile(r"^\s*[–—]\s*(?=\S)")
_NUMBER = re.compile(r"^\s*(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})\)|(?:\d{1,3}|[a-zA-Z])\.)\s+(?=\S)")
_RULE = re.compile(r"[\s=_*~#|:+-]{3,}")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+")
_ROW = re.compile(r"^\s*\|.*\|\s*$|\S\s*\t\s*\S")
_CELL_END = re.compile(r"\s*[|\t]\s*")
_SENTENCE_END = re.compile(r"[.!?…。！？।؟][\"')\]”’»]*$")
_CUT_WORD = re.compile(r"[^\W\d_]-$")
_SUSPENDED = re.compile(r"(?:and|or|to|und|oder|bis|en|of|et|ou|y|o)\b")  # two- and three-year
_GOES_ON = re.compile(r"[,;–—、，；-]$")


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a text, each on one line, without bullets, rules and the quotation marks of e-mail.

    A block of `[[phonemes]]` is never split. A line that layout makes a sentence of its own is a paragraph.
    """
    parts = split_blocks(text)
    parts[1::2] = [_LINE_END.sub(" ", block) for block in parts[1::2]]
    block: list[str] = []
    for line in _LINE_END.split("".join(parts)):
        quoted = _QUOTED.sub("", line)
        if quoted.strip():
            block.append(quoted.rstrip())
        elif block:
            yield from _of_block(block)
            block = []
    yield from _of_block(block)


def _of_block(lines: Sequence[str]) -> Iterator[str]:
    """The paragraphs of consecutive non-empty lines."""
    width = max(map(_width, lines), default=0)
    paragraph = ""
    for index, line in enumerate(lines):
        content = "" if _RULE.fullmatch(line) else _content(line)
        if paragraph and _begins(lines[index - 1], line, width):
            yield paragraph
            paragraph = ""
        cut = _CUT_WORD.search(paragraph) is not None and content[:1].islower() and not _SUSPENDED.match(content)
        paragraph += content if cut or not paragraph else f" {content}"
    if paragraph:
        yield paragraph


def _begins(previous: str, line: str, width: int) -> bool:
    """Whether a line begins a paragraph, in a block of this width."""
    if _BULLET.match(line) or any(map(_stands_alone, (previous, line))):
        return True
    first = line.split(maxsplit=1)[0]
    if line[0].isspace() and first[0].islower() and (previous[0].isspace() or _content(previous) != previous):
        return False  # of an item
    full = width >= _LEAST_WIDTH and _width(previous) + 1 + _width(first) > width
    if _NUMBER.match(line) or _DASH.match(line):
        return not full or _SENTENCE_END.search(previous) is not None
    if full or _SENTENCE_END.search(previous) or _GOES_ON.search(previous):
        return False
    if first[0].islower():
        return previous.endswith(":") or max(len(previous.split()), len(line.split())) <= 2
    return True


def _stands_alone(line: str) -> bool:
    return _RULE.fullmatch(line) is not None or _HEADING.match(line) is not None or _ROW.search(line) is not None


def _width(line: str) -> int:
    return len(line) + sum(character > "\u2e80" for character in line)


def _content(line: str) -> str:
    """A line without its layout characters; table cells are separated by commas."""
    line = _HEADING.sub("", _BULLET.sub("", line))
    if _ROW.search(line):
        return ", ".join(cell for cell in _CELL_END.split(line) if cell)
    return line.strip()
