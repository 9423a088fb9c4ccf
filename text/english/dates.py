"""Normalisation of dates, times, years and decades in English."""

import re

from text.english.words import cardinal, digits, number, ordinal, pairs, plural, year
from text.rules import Rule, after, before
from text.tables import words

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MONTH_OF = {name[:3]: name for name in MONTHS}
_MONTH = "|".join(MONTHS) + "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_TO = r"\s?[-–—]\s?"
# 1812 is a year unless something is counted; these words count nothing, though they end in s.
_NOT_COUNTED = words(
    """
    was is has as this its his hers us thus perhaps always yes across towards besides unless plus minus versus does
    sometimes afterwards ours theirs whereas less this's series
    """
)
_COUNTED = words(
    """
    people men women children feet pounds persons prisoners copies percent dollars miles million thousand
    """
)
_DATING = words(
    """
    in the since until till during before after this that early late mid circa year years spring summer autumn fall
    winter
    """
)
_COUNTING = words(
    """
    than nearly almost only least most some every exactly approximately additional another
    """
)
_LAST_WORD = re.compile(r"([A-Za-z']{1,20})[,.]?\s$")
_NEXT_WORD = re.compile(r"\s([A-Za-z'-]{1,30})")


def _month(name: str) -> str:
    return _MONTH_OF[name[:3]]


def _is_day(text: str) -> bool:
    return 1 <= int(text) <= 31


def _year_words(text: str) -> str:
    if len(text) == 2:
        return f"oh {cardinal(text)}" if text.startswith("0") else cardinal(text)
    return year(text)


def _month_day(match: re.Match[str]) -> str:
    month, first, suffix, last, when = match.groups()
    if not _is_day(first):
        return match[0]
    days = (ordinal if suffix else cardinal)(first) + (f" to {cardinal(last)}" if last else "")
    return f"{_month(month)} {days}" + (f", {year(when)}" if when else "")


def _day_month(match: re.Match[str]) -> str:
    article, day, month, when = match.groups()
    if not _is_day(day):
        return match[0]
    return f"{article or 'the '}{ordinal(day)} of {_month(month)}" + (f", {year(when)}" if when else "")


def _numeric(match: re.Match[str]) -> str:
    """11/22/63, and 22/11/63, as far as it cannot be the other."""
    first, second, when = int(match[1]), int(match[3]), match[4]
    month, day = (second, first) if first > 12 else (first, second)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {cardinal(day)}, {_year_words(when)}"


def _iso(match: re.Match[str]) -> str:
    when, month, day = match.groups()
    if not (1 <= int(month) <= 12 and _is_day(day)):
        return match[0]
    return f"{MONTHS[int(month) - 1]} {cardinal(day)}, {year(when)}"


def _half_of_day(match: re.Match[str], half: str | None) -> str:
    """The a.m. or p.m. of a time; its last full stop may be that of the sentence."""
    return f" {half.lower()}.m" + ("" if after(match, 1) == "." else ".") if half else ""


def _clock(match: re.Match[str]) -> str:
    hour, minute, second, half = match.groups()
    if int(hour) > 24 or int(minute) > 59:
        return match[0]
    time = cardinal(hour)
    if minute != "00":
        time += " " + (f"oh {cardinal(minute)}" if minute.startswith("0") else cardinal(minute))
    elif not (half or second or after(match).lstrip().lower().startswith(("noon", "midnight", "o'clock", "hours"))):
        time += " o'clock" if 1 <= int(hour) <= 12 else " hundred"
    if second:
        time += f" and {number(second)} second" + ("" if second == "01" else "s")
    return time + _half_of_day(match, half)


def _hour(match: re.Match[str]) -> str:
    return cardinal(match[1]) + _half_of_day(match, match[2]) if int(match[1]) <= 24 else match[0]


def _years(match: re.Match[str]) -> str:
    first, last = match.groups()
    return f"{year(first)} to {_year_words(last)}"


def _year_or_count(match: re.Match[str]) -> str:
    value = int(match[0])
    previous, following = _LAST_WORD.search(before(match)), _NEXT_WORD.match(after(match))
    last = previous[1].lower() if previous else ""
    counted = following is not None and _is_counted(following[1])
    if last in _COUNTING or (counted and last not in _DATING):
        return cardinal(value) if value % 100 else year(value)
    if value < 1100 and last not in _DATING - {"the", "this", "that"}:
        return cardinal(value)
    return year(value)


def _is_counted(word: str) -> bool:
    plural_noun = word.endswith("s") and not word.endswith(("ss", "us", "'s")) and word not in _NOT_COUNTED
    return word in _COUNTED or (word.islower() and plural_noun)


def _decade(match: re.Match[str]) -> str:
    century, tens = match.groups()
    if century:
        return "thousands" if century + tens == "1000" else plural(year(century + tens))
    return "hundreds" if tens == "00" else plural(cardinal(tens))


def _short_year(match: re.Match[str]) -> str:
    return digits(match[1], zero="oh") if match[1] == "00" else _year_words(match[1])


NUMERIC = (
    Rule(r"(?<![\w.,])0(\d)(\d\d)(?=\shours\b)", lambda match: f"zero {pairs(match[1] + match[2])}"),
    Rule(r"(?<![\w.,/$£€-])(1[1-9]\d\d|20\d\d)/([12]\d{3}|\d\d)(?![\w/-]|[.,]\d)", _years),
    Rule(
        rf"\b({_MONTH})\b\.?\s(?:the\s)?(\d{{1,2}})(st|nd|rd|th|d)?(?:{_TO}(\d{{1,2}}))?(?:,?\s(\d{{4}}))?\b(?![:/]\d|\.\d|,\d{{3}})",
        _month_day,
    ),
    Rule(rf"(?<![\d.,:/$£€-])\b(the\s)?(\d{{1,2}})\s({_MONTH})\b\.?(?:,?\s(\d{{4}})\b)?(?!\d)", _day_month),
    Rule(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-]|\.\d)", _numeric),
    Rule(r"(?<![\d/.-])([12]\d{3})[-/](\d\d)[-/](\d\d)(?![\d/-])", _iso),
    Rule(rf"(?<![\d:.])(\d{{1,2}}:\d\d){_TO}(?=\d{{1,2}}:\d\d)", r"\1 to "),
    Rule(
        rf"(?<![\d:.])(\d{{1,2}}(?::\d\d)?(?:\s?[APap]\.?[Mm]\.?)?){_TO}(?=\d{{1,2}}(?::\d\d)?\s?[APap]\.?[Mm]\b)",
        r"\1 to ",
    ),
    Rule(r"(?<![\d:.])(\d{1,2})[:.](\d\d)(?::(\d\d))?\s?([APap])(?:\.\s?[Mm]\.|\.?[Mm]\b)(?!\w)", _clock),
    Rule(r"(?<![\d:.])(\d{1,2}):(\d\d)(?::(\d\d))?(?![\d:])()", _clock),
    Rule(r"(?<![\d:.,/$£€-])(\d{1,2})\s?([APap])(?:\.\s?[Mm]\.|[Mm]\b)(?!\w)", _hour),
)

RULES = (
    Rule(rf"(?<![\w.,/$£€-])([12]\d{{3}}){_TO}([12]\d{{3}}|\d\d)(?![\w/-]|[.,]\d)", _years),
    Rule(r"(?<![\w.,/$£€])'?([12]\d)?(\d0)'?s\b", _decade),
    Rule(r"(?<![\w'])'(\d\d)\b(?![\w'%]|[.,:/-]\d)", _short_year),
    Rule(r"(?<![\w.,:/$£€#+])(?<![^a-z]-)(?<!^-)[12]\d{3}(?![\w%°/]|[.,:-]\d)", _year_or_count),
)
