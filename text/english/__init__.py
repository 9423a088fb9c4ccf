"""Normalisation of English: ordered rules, one file for each kind of expression."""

import re
import unicodedata

from text.addresses import IN_TEXT
from text.english import abbreviations, addresses, dates, hints, labels, quantities, roman, signs
from text.english.words import MOST_DIGITS, digits
from text.rules import Rule, apply, before

_DIGIT = re.compile(r"\d")
_OTHER_DIGIT = re.compile(r"[^\x00-\x7f\D]|[₀-₉]")
_VULGAR = re.compile(r"(?:(?<=\d)\s)?[¼-¾⅐-⅞]")
_LONG = re.compile(rf"(?<!\d)\d{{{MOST_DIGITS + 1},}}|(?<![\d,])(?:\d{{1,3}},){{{MOST_DIGITS // 3},}}\d+")
# Thousands apart by blanks, apostrophes or full stops: 1 000 000, 10 000, 1'234'444, 1.234.567,89.
_GROUPED = re.compile(
    r"(?<![\w.,'/+-])(?<!\d\s)[1-9]\d{0,2}(?:(?:\s\d{3}){2,6}|\s\d{3}(?=\s[a-z])|\s\d00(?![^.,;:!?)\"'\s]|\s\d)|(?:'\d{3}){1,6}|(?:\.\d{3}){2,6}"
    r"|(?:\.\d{3}){1,6}(?=,\d{1,2}(?!\d)))(?:,(\d{1,9}))?(?![\w'-]|[.,]\d|\s\d)"
)
_INDIAN = re.compile(r"(?<![\w.,])\d{1,2}(?:,\d{2}){1,4},\d{3}(?![\d,]|\.\d\d\d)")  # 12,34,567
# The comma of 3,5 km and of €3,50.
_DECIMAL_COMMA = re.compile(
    rf"(?<![\w.,])(\d{{1,6}}),(?=\d{{1,2}}\s?(?:{quantities.MEASURED})(?![\w/]))|([$£€]\s?\d{{1,6}}),(?=\d\d(?![\d,]))"
)
_SIGN = re.compile(r"[^\w\s.,;:!?'\"()–—-]|[\u0370-\u03ff²³µ]")
_ROMAN = re.compile(r"\b[IVXLCDM]{1,15}\b|(?:^|[( ])[ivxl]{1,8}\b|\bWWI")
_POWER = re.compile(r"(?<=\d)(?:[⁰¹⁴-⁹]|[⁰¹²³⁴-⁹]{2,9})")

# In this order: an address or a telephone is no number, $5 no measure, a date no fraction, and all else a number.
_WITH_DIGITS = (
    *labels.TELEPHONES,
    *labels.SCRIPTURE,
    *labels.HOUSES,
    *signs.SIGNED,
    *quantities.MONEY,
    *dates.NUMERIC,
    *quantities.MEASURES,
    *labels.LABELS,
    *dates.RULES,
    *signs.BEFORE_NUMBERS,
    *labels.NUMBERS,
)
# The British say and within a number: one hundred and five, two thousand and one.
_NUMERAL = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
_NUMERAL = rf"(?:{_NUMERAL}|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)"
_BRITISH = (
    Rule(rf"\bhundred (?={_NUMERAL}\b)", "hundred and "),
    Rule(rf"\bthousand (?={_NUMERAL}\b(?! (?:hundred|thousand)))", "thousand and "),
)


def read(text: str, language: str) -> str:
    """Normalise a text without inline phonemes; `language` is the espeak-ng voice."""
    if not text.isascii():
        text = _POWER.sub(lambda match: f" to the power of {unicodedata.normalize('NFKC', match[0])}", text)
        text = _VULGAR.sub(_plain_fraction, text)
        text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), text)
    text = apply(abbreviations.RULES, text)
    if IN_TEXT.search(text) or "#" in text:
        text = apply(addresses.RULES, text)
    if _ROMAN.search(text):
        text = apply(roman.RULES, text)
    counted = _DIGIT.search(text) is not None
    if counted:
        text = _LONG.sub(lambda match: digits(match[0]), text)
        text = _INDIAN.sub(lambda match: f"{int(match[0].replace(',', '')):,}", text)
        text = _DECIMAL_COMMA.sub(r"\1\2.", _GROUPED.sub(_with_commas, text))
        text = apply(_WITH_DIGITS, text)
        if language.lower() != "en-us":
            text = apply(_BRITISH, text)
    if _SIGN.search(text):
        text = apply(signs.RULES, text)
    return apply(quantities.SAID_ONCE, text) if counted else text


def _with_commas(match: re.Match[str]) -> str:
    parts = re.split(r"[\s'.]", match[0].partition(",")[0])
    if len(parts) == 4 and "." in match[0] and not match[1] and all(int(part) < 256 for part in parts):
        return match[0]  # an IP address
    return ",".join(parts) + (f".{match[1]}" if match[1] else "")


def hint(text: str) -> str:
    """Insert hints for espeak-ng into a normalised text."""
    return apply(hints.RULES, text)


def _plain_fraction(match: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", match[0].strip()).replace("\u2044", "/")
    return f" {plain}" if before(match, 1).isdigit() else plain
