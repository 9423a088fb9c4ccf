"""Normalisation of punctuation, so that no mark joins two words or is spoken by name.

espeak-ng speaks the name of a mark that has no space behind it (`it.And` is *it dot and*), and joins the words around
marks that it does not know. So missing spaces are inserted during normalisation, and a run of marks becomes one clause
mark before phonemisation.
"""

import re
import unicodedata
from functools import lru_cache

from text.addresses import address_spans
from text.tables import words

_EQUIVALENTS = {
    **dict.fromkeys("。｡।॥۔։።။។᙮⸼", ". "),
    **dict.fromkeys("؟⸮‽՞፧", "? "),
    **dict.fromkeys("՜", "! "),
    **dict.fromkeys("、､،՝፣⹁", ", "),
    **dict.fromkeys("؛፤⁏", "; "),
    **dict.fromkeys("፥", ": "),
    **dict.fromkeys("⋯⋮⋰⋱᠁", "... "),
    **dict.fromkeys("〜～⸺⸻﹘", " — "),
    **dict.fromkeys("֊־᠆⸗゠", "-"),
}
_EQUIVALENT_CATEGORIES = {"Pi": '"', "Pf": '"', "Ps": "(", "Pe": ")", "Pd": " — "}
# The first words of Unicode names that tell the script of a mark; those of other marks tell what it looks like.
_SCRIPTS = words(
    """
    ARABIC ARMENIAN BENGALI DEVANAGARI ETHIOPIC GEORGIAN GREEK GURMUKHI GUJARATI HEBREW KANNADA KHMER LAO MALAYALAM
    MONGOLIAN MYANMAR ORIYA SINHALA SYRIAC TAMIL TELUGU THAI TIBETAN THAANA
    """
)
# Marks of Latin letters, and signs that espeak-ng reads as a person does.
_KEPT = frozenset(" .,;:!?'\"()[]{}-–—¿¡%&+/=@<>#$£¥€§°‰×÷±²³¹º½¼¾’")

_OPEN, _CLOSE = r"[\"'(\[]*", r"[\"')\]]*"
_LETTER, _WORD = r"[^\W\d_]", r"[^\W_]"
_GLUED = (
    re.compile(rf"([\w\"')\]][!?;]+{_CLOSE})(?={_OPEN}{_WORD})"),
    re.compile(rf"({_LETTER}{_CLOSE}\.?[,:]+{_CLOSE})(?={_OPEN}{_WORD})"),
    re.compile(rf"(\d{_CLOSE}(?:,|:+){_CLOSE})(?={_OPEN}{_LETTER})"),
    re.compile(rf"({_LETTER}\.\.+{_CLOSE}|{_LETTER}{_LETTER}\.[\"')\]]+|[\"')\]]\.{_CLOSE})(?={_OPEN}{_LETTER})"),
)
_ADDRESS = "ʬʬʬ"  # stands for one while the text around it is separated; no language writes so
_SUSPECT = re.compile(r"[.,;:!?][\"'()\[\]]*\w|(?:^|\s)[.,;:!?]")  # whether it is worth trying
_LEADING = re.compile(rf"(?:^|(?<=\s))[.,;:!?]+(?={_LETTER}{_LETTER})")
_DOTTED = re.compile(rf"(?<![\w.@/-]){_WORD}[\w'-]*(?:\.{_WORD}[\w'-]*)+")
# e.g.this, U.S.and, a.m.on: two letters and more with their full stops, then a word that is no degree.
_SHORT = re.compile(
    rf"(?<![^\W\d])(?<![.@/-])((?:{_LETTER}\.){{2,8}}|(?:Ph|Ed|Psy|Litt)\.{_LETTER}\.)(?!(?:Ph|Sc|Ed|Phil|Eng)\b)(?={_LETTER}{{2}}[^\W\d_]*(?![\w.@]\w))"
)
_DEGREES = frozenset(("Ph", "Ed", "Psy", "Th", "Pharm", "Sc", "Phil", "Eng", "Litt"))  # beside a letter: Ph.D, B.Sc
_SIGN_RUN = re.compile(
    r"[=-]+>|<[=-]+|([=~^#<>])\1+|([+/&@%$])\2\2+"
    r"|(?<!\S)(?:[:;=8]['o^-]?[()\[\]DPp/|\\*]{1,3}|\^[_.-]?\^|<3)(?![^\s.,!?])"  # faces
)
_ENCLOSED = re.compile(r"<([^\s<>]{1,300})>")  # <https://x.org>, x<y>z
_COMPARISONS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "&&": "&"}
_COMPARISON = re.compile(r"((?<=[\w)\]\"'])|(?<=[\w)\]\"']\s))(<=|>=|!=|==|&&)(?=\s?[\w(\[\"'+-])")

# A run of marks, blanks, quotes and brackets, and one that says plainly what it is.
_RUN = re.compile(r"[\s\"'(),;:.!?¿¡…–—-]{2,}|[¿¡…—–]")
_PLAIN_RUN = re.compile(r"(?![\"')]+\.)[\"')]*[,;:.!?]?[\"')]*\s?[\"'(]*| [–—] |- | -|[\"')]*-[\"'(]*")
_UNSPACED = frozenset("…—–¿¡")
_DASHES = re.compile(r"[–—]|--|\s-\s")
_HEAD, _TAIL = re.compile(r"[\"')]*"), re.compile(r"[\"'(]*$")


def plain_marks(text: str) -> str:
    """Replace the marks of other scripts by Latin ones; marks of the text's own script stay."""
    become = {mark: plain for mark in _foreign_marks(text) if (plain := _equivalent(mark))}
    return text.translate({ord(mark): plain for mark, plain in become.items()})


def nameless_marks(text: str) -> frozenset[str]:
    """The marks that belong neither to the text's script nor to the signs that are read as words."""
    return frozenset(mark for mark in _foreign_marks(text) if unicodedata.category(mark) != "Sc")


def _foreign_marks(text: str) -> set[str]:
    marks = {character for character in set(text) - _KEPT if unicodedata.category(character)[0] in "PS"}
    scripts = set(map(_script, filter(str.isalpha, text))) & _SCRIPTS if marks else set[str]()
    return {mark for mark in marks if _script(mark) not in scripts}


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


@lru_cache(maxsize=4096)
def _equivalent(mark: str) -> str:
    return _EQUIVALENTS.get(mark) or _EQUIVALENT_CATEGORIES.get(unicodedata.category(mark), "")


def leave_out_rules(text: str, dropped: list[str]) -> str:
    """Remove runs of signs such as `====`, `-->` and `:-)`; they are appended to `dropped`.

    Between two operands `<=` and `==` become the signs of mathematics.
    """
    text = _ENCLOSED.sub(r" \1 ", text)
    text = _COMPARISON.sub(lambda match: f" {_COMPARISONS[match[2]]} ", text)
    for match in _SIGN_RUN.finditer(text):
        dropped += match[0]
    return _SIGN_RUN.sub(" ", text)


def separate(text: str) -> str:
    """Insert the missing space behind a mark; addresses, file names, abbreviations and numbers stay."""
    if not _SUSPECT.search(text):
        return text
    pieces, end = list[str](), 0
    for first, last in sorted(address_spans(text)):
        if first >= end:
            pieces += (text[end:first], text[first:last])
            end = last
    pieces.append(text[end:])
    if pieces[1:] and _ADDRESS not in text:
        pieces[::2] = _separate(_ADDRESS.join(pieces[::2])).split(_ADDRESS)
        return "".join(pieces)
    return _separate(text)


def _separate(text: str) -> str:
    for pattern in _GLUED:
        text = pattern.sub(r"\1 ", text)
    text = _SHORT.sub(r"\1 ", text)
    text = _LEADING.sub(_moved, text)
    return _DOTTED.sub(_undotted, text)


def _moved(match: re.Match[str]) -> str:
    """Marks before a word are separated from it; before the first word they are removed."""
    return f"{match[0]} " if match.start() else ""


def _undotted(match: re.Match[str]) -> str:
    first, *rest = match[0].split(".")
    pieces = [first]
    for part in rest:
        pieces += (". " if _ends_sentence(pieces[-1], part) else ".", part)
    return "".join(pieces)


def _ends_sentence(left: str, right: str) -> bool:
    """Whether the full stop between these ends a sentence or an abbreviation, and is not part of a word."""
    if right[0].isdecimal():
        return left.isalpha() and len(left) > 1
    if left[-1].isdecimal():
        return len(right) > 1 and right[0].isupper() and right[1:].islower()
    if len(left) == 1:  # U.S.A, z.B, B.Sc, but: J.Smith
        return right[0].isupper() and right[1:2].islower() and right not in _DEGREES
    return not (len(right) == 1 and right.isupper() and left in _DEGREES)


def clause_marks(text: str) -> str:
    """Replace each run of marks between words by one clause mark, which a phonemiser turns into a pause.

    An ellipsis within a sentence becomes a comma, a dash gets spaces, marks before the first word are removed.
    """
    return _RUN.sub(_clause_mark, text)


def _clause_mark(match: re.Match[str]) -> str:
    run, begins, ends = match[0], not match.start(), match.end() == len(match.string)
    tail = _TAIL.search(run)[0]  # type: ignore[index]  # it also matches nothing
    if begins:
        return tail
    if _PLAIN_RUN.fullmatch(run) and run not in _UNSPACED:
        return run
    head = _HEAD.match(run)[0]  # type: ignore[index]
    mark = _strongest(match, ends)
    if ends:
        return mark.rstrip(" —") + head
    return f"{head}{mark} {tail}" if mark.endswith(("—", "-")) else f"{mark}{head} {tail}"  # "it". is, as "it." is


def _strongest(match: re.Match[str], ends: bool) -> str:
    run = match[0]
    for mark in "?!":
        if mark in run:
            return mark
    if "…" in run or ".." in run:
        return "." if ends else ","
    if run == ".-":  # St.-Martin
        return ""
    for mark in ";:,.":
        if mark in run:
            return mark
    if not _DASHES.search(run):
        return ""
    before, after = match.string[match.start() - 1], match.string[match.end() : match.end() + 1]
    if run == "–" and (before.isdecimal() or after.isdecimal() or after.isupper()):
        return ""  # Paris–Dakar
    return " -" if before.isdecimal() and after.isdecimal() else " —"
