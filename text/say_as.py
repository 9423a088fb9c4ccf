"""The say-as element of SSML: content as words, or in a form that normalisation reads unambiguously.

English, Dutch and German have rules (text/normalise.py); other languages spell characters and digits, and leave whole
numbers to the phonemiser.
"""

import re
from functools import lru_cache

from text.characters import clean
from text.continental import TABLES
from text.continental.reader import TableReader
from text.english import addresses, dates
from text.english.words import digits
from text.normalise import normalise

# Normalisation recognises these by itself.
_READ_AS_WRITTEN = frozenset(("address", "currency", "fraction", "measure", "time", "unit"))
_MOST_DIGITS = 15  # of a number that is read as one
_ORDINAL = re.compile(r"(\d{1,9})(?:st|nd|rd|th|e|de|ste|\.)?")
_DATE_WIDTHS = {"y": 4, "m": 2, "d": 2}


def say_as(content: str, kind: str, *, language: str, date_format: str = "", behind: str = "") -> str | None:
    """Interpret the content of a say-as element.

    Args:
        content: text of the element.
        kind: the interpret-as attribute.
        language: an espeak-ng voice.
        date_format: the format attribute: y, m and d in the order of the content.
        behind: text before the element, which determines the ending of a German ordinal.

    Returns:
        Text for normalisation; None if the content is not of this kind, or the language has no rule.
    """
    content = clean(content)
    code = language.partition("-")[0].lower()
    match kind:
        case "characters" | "spell-out" | "verbatim":
            return _spelled(content, code, language)
        case "digits":
            return " ".join(normalise(digit, language) for digit in content if digit.isdecimal()) or None
        case "telephone":
            return _telephone(content, code, language)
        case "cardinal" | "number":
            return _cardinal(content, code, language)
        case "ordinal":
            return _ordinal(content, code, language, behind)
        case "date":
            return _date(content, code, language, date_format.lower()) if date_format else content
        case _:
            return content if kind in _READ_AS_WRITTEN else None


def _has_rules(code: str) -> bool:
    return code == "en" or code in TABLES


def _spelled(content: str, code: str, language: str) -> str:
    """Names of the characters, separated by commas so that espeak-ng takes no letter for a word."""
    signs = addresses.SIGNS if code == "en" else TABLES[code].address_signs if code in TABLES else {}
    names = [signs.get(sign) or normalise(sign, language) for sign in content if not sign.isspace()]
    names = [name for name in names if any(character.isalnum() for character in name)]
    if code == "en" and names and names[-1] in ("A", "a"):
        names[-1] += "-"  # before a word it would be the article
    return ", ".join(names)


def _telephone(content: str, code: str, language: str) -> str | None:
    groups = re.findall(r"\d+", content)
    if not groups:
        return None
    plus = "" if not content.startswith("+") else "plus " if _has_rules(code) else "+ "
    if code == "en":
        return plus + ", ".join(digits(group, zero="oh") for group in groups)
    return plus + ", ".join(" ".join(normalise(digit, language) for digit in group) for group in groups)


def _cardinal(content: str, code: str, language: str) -> str | None:
    comma, point = (",", ".") if code == "en" else (".", ",")
    number = re.fullmatch(rf"([+-]?)(\d{{1,3}}(?:\{comma}\d{{3}})+|\d+)(\{point}\d+)?", content)
    if number is None:
        return None
    sign, whole, fraction = number[1], number[2].replace(comma, ""), number[3] or ""
    if not _has_rules(code):
        return sign + whole + fraction
    if len(whole) > _MOST_DIGITS:
        return None
    # By itself, and with its thousands apart, it is no year and no name.
    return normalise(f"{sign}{f'{int(whole):,}'.replace(',', comma)}{fraction}", language)


def _ordinal(content: str, code: str, language: str, behind: str) -> str | None:
    number = _ORDINAL.fullmatch(content)
    if number is None or not _has_rules(code):
        return None
    if code == "en":
        return normalise(f"{number[1]}th", language)
    return _table_reader(code).ordinal(number[1], behind)


@lru_cache(maxsize=4)
def _table_reader(code: str) -> TableReader:
    return TableReader(TABLES[code])


def _date(content: str, code: str, language: str, order: str) -> str | None:
    order = re.sub(r"(.)\1+", r"\1", order)  # yyyymmdd is ymd
    if not _has_rules(code) or order not in ("ymd", "mdy", "dmy", "ydm", "md", "dm", "ym", "my", "y"):
        return None
    parts = re.findall(r"\d+", content)
    if len(parts) == 1 and len(content) == sum(_DATE_WIDTHS[part] for part in order):
        starts = [sum(_DATE_WIDTHS[part] for part in order[:index]) for index in range(len(order))]
        parts = [content[start : start + _DATE_WIDTHS[part]] for start, part in zip(starts, order, strict=True)]
    if len(parts) != len(order) or not all(part.isdecimal() for part in parts):
        return None
    date = {part: int(number) for part, number in zip(order, parts, strict=True) if len(number) <= _DATE_WIDTHS[part]}
    year, month, day = (date.get(part) for part in "ymd")
    if len(date) < len(order) or not (
        1000 <= (year or 1000) < 3000 and 1 <= (month or 1) <= 12 and 1 <= (day or 1) <= 31
    ):
        return None
    return _written_date(year, month, day, code, language)


def _written_date(year: int | None, month: int | None, day: int | None, code: str, language: str) -> str:
    """A form of a date that normalisation reads as a date in any context."""
    if month is None:
        return normalise(str(year), language)
    name = (dates.MONTHS if code == "en" else TABLES[code].months)[month - 1]
    if year is not None and day is not None:
        return f"{year}-{month:02}-{day:02}"
    if day is None:
        return f"{name} {year}"
    return f"{name} {day}" if code == "en" else f"{day}. {name}" if code == "de" else f"{day} {name}"
