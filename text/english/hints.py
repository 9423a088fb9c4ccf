"""Hints for espeak-ng about English: full stops that do not end a sentence, capitals that are spelled.

espeak-ng pauses at a full stop before any capital, takes the A of *Edwin A. Walker* for the article, and reads ACLU as
a word. Hints are not part of the normalised text.
"""

import re

from text.rules import Rule, after
from text.tables import words

SENTENCE_STARTS = words(
    """
    The A An He She It They We You I This That These Those There Then When Where While What Who Why How If In On At
    By For From To But And Or So As After Before His Her Its Their Our My Your No Not Yes One Some Many Most All Each
    Every Here Now Once Since With Without Although Though However
    """
)
NEXT_WORD = re.compile(r"[\s\"')]*([A-Z][\w']*)")
# All capitals that espeak-ng would read as a word.
_SPELLED = words(
    """
    ACLU ONI INS CE UAE ESA EPA IOU UAV IRA ISO IEEE CEO CIO CTO CFO EEG EKG ICU OED UPI DOA
    """
)
_SMALL_WORDS = words("AM AN AS AT BE BY DO GO HE IF IN IS IT ME MY NO OF ON OR SO TO UP US WE")
_SMALL_WORD = re.compile(rf"(?<![\w.'&-])(?:{'|'.join(sorted(_SMALL_WORDS))})(?![\w'&-])")
# Before a letter: Exhibit A was, where espeak-ng would take the letter for the article.
_LETTERED = (
    "Plan|[Vv]itamin|Exhibit|Section|Appendix|Part|Grade|Group|Type|Class|[Hh]epatitis|Schedule|Team|Level|Model|Option"
    "|Point|Gate|Unit|Room|Building|Annex|Table|Block|Wing|Side"
)


def _goes_on(match: re.Match[str]) -> bool:
    """Whether a capital follows that begins no sentence."""
    following = NEXT_WORD.match(after(match))
    return following is not None and following[1] not in SENTENCE_STARTS


def is_initial(match: re.Match[str]) -> bool:
    """Whether a capital with its full stop is part of a name: J. Smith, H. G. Bennet; but not: so did I. Then."""
    if match[1] == "I" and not re.match(r"\s[A-Z]\.", after(match)):
        return False
    following = NEXT_WORD.match(after(match))
    return following is not None and following[1] not in SENTENCE_STARTS - {"A", "I"}


def _initial(match: re.Match[str]) -> str:
    if not is_initial(match):
        return match[0]
    return "A-" if match[1] == "A" else match[1]


def _in_capitals(match: re.Match[str]) -> str:
    """In a sentence of capitals IT and US are words; elsewhere they are letters."""
    several = len(re.findall(r"[A-Z]+", match[0])) > 2
    return _SMALL_WORD.sub(lambda word: word[0].lower(), match[0]) if several else match[0]


RULES = (
    Rule(r"(?<![^\s\"'(])[^a-zà-ÿ.!?]{6,300}(?=[.!?]|$)", _in_capitals),
    # An ellipsis before these ends the sentence; before other words it is a pause (text/marks.py).
    Rule(rf"(?<!\.)\.\.+(?=[\"')]*\s[\"'(]*(?:{'|'.join(sorted(SENTENCE_STARTS - {'A', 'I'}))})\b)", "."),
    Rule(rf"\b((?:{_LETTERED}) A)(?=\s[a-z])", r"\1-"),
    Rule(r"\bPh\.\s?D\b", "P.H.D"),
    Rule(r"\b[Ee]\.g\.", "for example"),
    Rule(r"\bMs\b\.?(?=\s[A-Z\ue000])", "Miz"),
    Rule(r"\b(Mrs?|Messrs|Dr|St)\.(?=\s[\"'(]?[A-Z\ue000])", r"\1"),
    Rule(
        r"(?<![\w.])((?:[A-Za-z]\.){1,7}[A-Za-z])\.(?=\s[A-Z])", lambda match: match[1] if _goes_on(match) else match[0]
    ),
    Rule(r"(?<![\w.'])(?<!\b[A-Z]\s)([A-Z])\.(?=\s[A-Z][\w.'])", _initial),
    Rule(r"(?<=[A-Za-z])\.(?=[,;:])", ""),
    Rule(r"(?<![\w.'&-])[A-Z]{2,5}(?![\w'&-])", lambda match: ".".join(match[0]) if match[0] in _SPELLED else match[0]),
)
