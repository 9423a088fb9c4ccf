"""Normalisation of signs that are read as words in English: & @ + = × ÷ § № ™ and single Greek letters."""

import re

from text.rules import Rule, after, before, spaced
from text.tables import table

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon"
    " phi chi psi omega"
)
_GREEK_LETTERS = {chr(first + index): name for first in (0x391, 0x3B1) for index, name in enumerate(_GREEK.split())}
_WORDS = table(
    """
    &: and, @: at, =: equals, ÷: divided by, ±: plus or minus, ≈: approximately equals, ≠: does not equal,
    &&: and, ≤: is less than or equal to, ≥: is greater than or equal to, √: square root of, ∞: infinity, §: section,
    §§: sections, №: number, °: degrees, %: percent, ‰: per mille, ×: times, ∑: sum, ∂: partial, ∆: delta, ¢: cents,
    £: pounds, $: dollars, €: euros, ¥: yen, ¶: paragraph, →: to, µ: micro, ℃: degrees Celsius, Ω: ohms,
    ℉: degrees Fahrenheit, ∈: in, ⁄: slash, ₹: rupees
    """
)
# What is compared: 5 < 10, x>y, f(x) > 0; but "and < 5" and "temperature > 30" have no "is".
_OPERAND = r"(?:(?<=\d)|(?<=\b[A-Za-z])|(?<=[)%]))\s?"
_NEXT = r"\s?(?=[$£€+-]?\.?[\w(])"
_ALWAYS = "".join(sign for sign in _WORDS if len(sign) == 1)


def _sign(match: re.Match[str]) -> str:
    left, right = before(match, 1), after(match, 1)
    glued = " " if right in _ALWAYS and right else ""
    return (" " if left in _ALWAYS and left else "") + spaced(match, _WORDS[match[0]]) + glued


def _greek(match: re.Match[str]) -> str:
    return _GREEK_LETTERS.get(match[0], match[0])


def _slash(match: re.Match[str]) -> str:
    both = before(match, 3).lower() == "and" and after(match, 2).lower() == "or"
    return " " if both else " slash "


SIGNED = (
    Rule(r"(?<=\d)\s?[x×*]\s?(?=10\s?(?:\^|to the power of)\s?-?\d)", " times "),
    Rule(r"(?<=\d)\s?x\s?(?=\.?\d)", " by "),
    Rule(r"(?<=[A-Za-z)])\^2(?!\d)", " squared"),
    Rule(r"(?<=[A-Za-z)])\^3(?!\d)", " cubed"),
    Rule(r"(?<=[\w)])\s?\^\s?(?=-?\d)", " to the power of "),
    Rule(r"(?<![^\s(\"'])-\s?(?=[$£€]?\.?\d)", "minus "),
    Rule(r"(?<![^\s(\"'])\+\s?(?=[$£€]?\.?\d)", "plus "),
    Rule(r"±\s?(?=[$£€]?\.?\d)", "plus or minus "),
    Rule(r"[~≈]\s?(?=[$£€]?\.?\d)", "about "),
)
BEFORE_NUMBERS = (
    Rule(r"(?<=\d\.\d)/(?=\d)", " out of "),
    Rule(r"#\s?(?=\d)", "number "),
    Rule(r"§{1,2}\s?(?=\d)", lambda match: "sections " if "§§" in match[0] else "section "),
    Rule(r"(?:№|\b[Nn][º°])\s?(?=\d)", "number "),
    Rule(r"(?<=\d)\s?/\s?(?=(?:hour|day|week|month|year|person|minute|second|mile|night|head)\b)", " per "),
    Rule(r"(?<=\d)\s?\+(?=\s?\d)", " plus "),
    Rule(r"(?<=\d)\s?\*\s?(?=\d)", " times "),
    Rule(r"(?<=\d)\+(?=\s|[,.;:)]|$)", " plus"),
    Rule(r"(?<=\d)\s-\s(?=\d)", " minus "),
    Rule(rf"{_OPERAND}<{_NEXT}", " is less than "),
    Rule(rf"{_OPERAND}>{_NEXT}", " is greater than "),
    Rule(r"<\s?(?=[$£€]?\.?\d)", " less than "),
    Rule(r">\s?(?=[$£€]?\.?\d)", " greater than "),
)

RULES = (
    Rule(r"(?<=[A-Za-z0-9)])³", " cubed"),
    Rule(r"(?<=[A-Za-z0-9)])²", " squared"),
    Rule(r"\bC\+\+", "C plus plus"),
    Rule(r"\b([CF])#", r"\1 sharp"),
    Rule(r"(?<!\S)w/o(?!\w)", "without"),
    Rule(r"(?<!\S)w/(?=\s)", "with"),
    Rule(r"(?<![^\s(])\+(?=\s)", "plus"),
    Rule(r"(?<=\w)\+(?=\w)", " plus "),
    Rule(rf"(?<=[\w)])\s?<{_NEXT}", " is less than "),
    Rule(rf"(?<=[\w)])\s?>{_NEXT}", " is greater than "),
    Rule("|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True)), _sign),
    Rule(r"(?<![\u0370-\u03ff])[\u0391-\u03a9\u03b1-\u03c9](?![\u0370-\u03ff])", _greek),
    Rule(r"(?<=[a-zA-Z])\s?/\s?(?=[a-zA-Z])", _slash),
)
