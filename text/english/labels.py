"""Normalisation of numbers that are names (telephones, houses, roads, products, versions, post codes) in English."""

import re

from text.english.abbreviations import STATES
from text.english.words import cardinal, digits, is_one, number, ordinal, pairs, plural
from text.rules import Rule, spaced
from text.tables import table

_STREET = (
    r"(?:(?:Street|Avenue|Road|Drive|Boulevard|Lane|Court|Place|Square|Terrace|Parkway|Highway|Way|Row|Crescent|Alley)\b"
    r"|(?:St|Ave|Rd|Dr|Blvd|Ln|Ct|Pl|Sq|Pkwy|Hwy)\b)"
)
_ORDINAL = r"\d{1,3}(?:st|nd|rd|th)"
_DIRECTIONS = {"N": "North", "S": "South", "E": "East", "W": "West"}
_DIRECTION = r"(?:North|South|East|West|[NSEW]\.?)"
_NAMED = (
    r"Exhibits?(?:\sNumbers?)?|[Ff]rames?|CE|(?:Highway|Route|Interstate|Flight|Room|Suite|Apartment)s?"
    r"|Hwy\.?|Rte\.?|Apt\.?|Box|Boeing|[UP]\.S\.|Bus"
)
_AND = r"(?:,\s(?=\d{1,5}(?:,|\s(?:and|or)\s))|,?\s(?:and|or|to|through)\s|[-–])"  # between numbers of one list
_BOOKS = table(
    """
    Gen: Genesis, Ex: Exodus, Exod: Exodus, Lev: Leviticus, Num: Numbers, Deut: Deuteronomy, Josh: Joshua, Judg: Judges,
    Sam: Samuel, Kgs: Kings, Chr: Chronicles, Neh: Nehemiah, Ps: Psalm, Prov: Proverbs, Eccl: Ecclesiastes,
    Isa: Isaiah, Jer: Jeremiah, Lam: Lamentations, Ezek: Ezekiel, Dan: Daniel, Hos: Hosea, Mic: Micah, Zech: Zechariah,
    Mal: Malachi, Matt: Matthew, Mt: Matthew, Mk: Mark, Lk: Luke, Jn: John, Rom: Romans, Cor: Corinthians,
    Gal: Galatians, Eph: Ephesians, Phil: Philippians, Col: Colossians, Thess: Thessalonians, Tim: Timothy, Tit: Titus,
    Heb: Hebrews, Jas: James, Pet: Peter, Rev: Revelation,
    Job: Job, Ruth: Ruth, Ezra: Ezra, Esther: Esther, Joel: Joel, Amos: Amos, Acts: Acts, Jude: Jude
    """
)
_BOOK = "|".join(dict.fromkeys((*_BOOKS, *_BOOKS.values())))
_FIRST_NAMES = frozenset(("Dan", "Sam", "Tim", "Phil"))
_STATE = "|".join((*STATES, *STATES.values()))
_FREE = r"(?<![\w.,/$£€#-])"  # a number that nothing is glued to
_END = r"(?![\w/-]|[.,]\d)"
_SEVEN = r"(?=(?:[\s.()-]{0,2}\d){7})"  # digits at least: +150 is no telephone
_LETTERS_OR_DIGITS = re.compile(r"\d{1,21}|[^\W\d_]+")


def _telephone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    plus = "plus " if "+" in match[0] else ""
    return plus + ", ".join(pairs(g) if g in ("800", "900") else digits(g, zero="oh") for g in groups)


def _named(match: re.Match[str]) -> str:
    numbers = re.sub("[-–]", " " if match[1] == "Boeing" else " to ", match[2])
    return f"{match[1]} " + re.sub(r"\d+", lambda number: pairs(number[0]), numbers)


def _scripture(match: re.Match[str]) -> str:
    """1 Cor. 13:4-7 is First Corinthians thirteen four to seven."""
    which, book, chapter, verse, last = match.groups()
    if book in _FIRST_NAMES and not which and "." not in match[0]:  # tell Dan 5:30
        return match[0]
    name = _BOOKS.get(book, book)
    if which:
        name = f"{ordinal(which).capitalize()} {name}"
    return f"{name} {cardinal(chapter)} {cardinal(verse)}" + (f" to {cardinal(last)}" if last else "")


def _serial(match: re.Match[str]) -> str:
    """123-45-6789; but a 12-10-3 record, or 1-2-3, is of numbers."""
    groups = re.split("[-–]", match[0])
    small = all(len(group) <= 2 and not group.startswith("0") for group in groups)
    return ", ".join((cardinal if small else digits)(group) for group in groups)


def _post_code(match: re.Match[str]) -> str:
    return f"{match[1]} {digits(match[2], zero='oh')}" + (f" {digits(match[3], zero='oh')}" if match[3] else "")


def _file_number(match: re.Match[str]) -> str:
    """Public Law 86-272, file No. 105-82555: parts, not a range."""
    return " ".join(pairs(part) if len(part) > 2 else cardinal(part) for part in re.findall(r"\d+", match[0]))


def _cartridge(match: re.Match[str]) -> str:
    """.30-06 is thirty aught six."""
    last = f"aught {cardinal(match[2])}" if match[2].startswith("0") else cardinal(match[2])
    return f"{cardinal(match[1])} {last}"


def _version(match: re.Match[str]) -> str:
    point = " dot " if match[0].count(".") > 2 else " point "
    return ("version " if match[1] else "") + point.join(cardinal(part) for part in match[2].split("."))


def _code(match: re.Match[str]) -> str:
    """B-52, A320, MP3, C2766, COVID-19: letters, then a number that is no amount."""
    figures, rest = match[3], match[4]
    if len(figures) <= 2 and not figures.startswith("0"):
        words = cardinal(figures)
    else:
        words = pairs(figures) if len(figures) == 3 else digits(figures)
    return f"{match[1] or match[2]} {words}" + (f" {rest}" if rest else "")


def _mixed(match: re.Match[str]) -> str:
    """3D, H2O, 5x: letters and digits in turn."""
    parts = _LETTERS_OR_DIGITS.findall(match[0])
    return " ".join(_figures(part) if part[0].isdecimal() else part for part in parts)


def _figures(text: str) -> str:
    return digits(text) if len(text) > 1 and text.startswith("0") else cardinal(text)


def _amount(match: re.Match[str]) -> str:
    whole, point, rest = match[0].replace(",", "").partition(".")
    words = _figures(whole) if whole else ""
    return spaced(match, f"{words} point {digits(rest)}".strip() if point else words)


def _several(match: re.Match[str]) -> str:
    """747s, 100s, 1,000s."""
    if match[1] in ("100", "1000", "1,000"):
        return plural(cardinal(match[1]).removeprefix("one "))
    return plural(pairs(match[1]) if len(match[1]) == 3 else cardinal(match[1]))


def _times(match: re.Match[str]) -> str:
    return f"{number(match[1])} time{'' if is_one(match[1]) else 's'}"


TELEPHONES = (
    Rule(rf"(?<![\w.,/-]){_SEVEN}00\s?\d{{1,3}}(?:[\s.-]?\d{{1,9}}){{2,6}}{_END}", _telephone),
    Rule(rf"(?<![\w.,/-])0\d(?:[\s.]\d\d){{4}}{_END}", _telephone),
    Rule(
        rf"(?<![\w.,/-])(?<![A-Z]{{2}}\s)(?:\(0\d{{1,4}}\)\s?|0\d{{1,4}}[/-]\s?)\d{{4,9}}(?:[\s-]\d{{2,8}}){{0,3}}{_END}",
        _telephone,
    ),
    Rule(rf"(?<![\w.,/-])(?:\+?1[\s.-])?(?:\(\d{{3}}\)\s?|\d{{3}}[\s.-])\d{{3}}[.-]\d{{4}}{_END}", _telephone),
    Rule(rf"(?<![\w.,/-])\+{_SEVEN}\d{{1,3}}(?:[\s.-]?\(?\d{{1,5}}\)?){{2,6}}{_END}", _telephone),
    Rule(rf"(?<![\w.,/-])\d{{3}}-\d{{4}}{_END}", _telephone),
    # an exchange by its name: WHitehall 8-1993
    Rule(rf"(\b[A-Z][A-Z][a-z]{{0,12}}\s)(\d-\d{{4}}){_END}", lambda m: m[1] + _telephone(m)),
    Rule(rf"(?<![\w.,/-])0\d{{2,4}}[\s-]\d{{3,4}}[\s-]?\d{{3,4}}{_END}", _telephone),
)

SCRIPTURE = (
    Rule(
        rf"(?:\b([1-3])\s)?\b({_BOOK})\.?\s(\d{{1,3}}):(\d{{1,3}})(?:[-–](\d{{1,3}}))?(?![\w:]|\s?[ap]\.?m\b)",
        _scripture,
    ),
)

HOUSES = (
    Rule(
        rf"{_FREE}(?!(?:1[89]|20)\d\d\s)(\d{{3,5}}\s)([NSEW])\.?(?=\s[A-Z][a-z])",
        lambda match: match[1] + _DIRECTIONS[match[2]],
    ),
    Rule(
        rf"(?<=\d\s)([NSEW])\b\.?(?=\s(?:(?:[A-Z][\w']{{1,20}}|{_ORDINAL})\s){{1,3}}{_STREET})",
        lambda match: _DIRECTIONS[match[1]],
    ),
    Rule(
        rf"{_FREE}(\d{{1,5}})(\s1/2)?(?=,?\s(?:{_DIRECTION}\s)?(?:(?:[A-Z][\w']{{1,20}}|{_ORDINAL})\s){{1,3}}{_STREET})",
        lambda match: pairs(match[1]) + (" and a half" if match[2] else ""),
    ),
    Rule(rf"{_FREE}(\d{{3,5}})(?=\s{_DIRECTION}\s[A-Z][a-z])", lambda match: pairs(match[1])),
)

LABELS = (
    Rule(r"(?<=[Cc]all |[Dd]ial )(911|112|999|411)\b", lambda match: digits(match[1])),
    Rule(rf"\b({_NAMED})\s(\d{{1,5}}(?:{_AND}\d{{1,5}}){{0,9}})(?![\w-]|[.,:]\d)", _named),
    Rule(r"(?<![\w.,-])\d{1,4}(?=\sU\.S\.\s[a-z])", lambda match: pairs(match[0])),
    Rule(rf"(?<=(?:Law|ber|ile|der|ket|ase|No\.)\s)\d{{1,9}}[-–]\d{{1,9}}{_END}", _file_number),
    Rule(
        r"(?<=,\s)([A-Z]\.?[A-Z]\.?|[A-Z][a-z]{3,12}(?:\s[A-Z][a-z]{3,12})?),?\s(\d{5})(?:-(\d{4}))?(?![\w-]|[.,]\d)",
        _post_code,
    ),
    Rule(rf"\b({_STATE})\s(\d{{5}})(?:-(\d{{4}}))?(?![\w-]|[.,]\d)", _post_code),
    Rule(
        r"\b((?:[Zz][Ii][Pp]|[Pp]ost(?:al)?)(?:\s?[Cc]odes?)?:?\s)(\d{5})(?:-(\d{4}))?(?![\w-]|[.,]\d)",
        lambda match: _post_code(match).replace("  ", " "),
    ),
    Rule(r"(?<![\w.,])([vV]\.?\s?)?(\d{1,4}(?:\.\d{1,4}){2,9})(?![\w/]|[.,]\d|-\d)", _version),
    Rule(rf"(?<![\w.,])([vV])(\d{{1,4}}(?:\.\d{{1,4}})?){_END}", _version),
    Rule(
        r"(?<![\w.,])\.(\d\d)(?=[\s-](?:caliber|calibre|Special|revolver|pistol|rifle|Magnum|automatic)\b)",
        lambda match: cardinal(match[1]),
    ),
    Rule(r"(?<=calib(?:er|re)\s)\.(\d\d)\b", lambda match: cardinal(match[1])),
    Rule(rf"(?<![\w.,])\.(\d\d)-(\d\d){_END}", _cartridge),
    Rule(rf"(?<![\w.,/-])(?:\d{{1,9}}(?:[-–]\d{{1,9}}){{2,9}}|\d{{5}}-\d{{4}}){_END}", _serial),
    Rule(r"(?<![\w.])(\d{1,3}(?:,\d{3}){1,6}|\d{1,21})(?:st|nd|rd|th|d)\b", lambda match: ordinal(match[1])),
)

# What is left when everything that is known has been read. After these no digit is.
NUMBERS = (
    Rule(r"(?<![\w.,])(\d{1,3}(?:,\d{3}){1,6}|\d{1,4})'?s\b", _several),
    Rule(r"(?<![\w.])(\d{1,4}):(?=\d{1,4}(?![\w:]))", r"\1 to "),
    Rule(r"(?<![\w.,=+*/^-])(\d{1,4}(?:\.\d{1,4})?)[x×](?!\w|\s?[=+*/^<>])", _times),
    Rule(r"(?<![\w.,-])(\d{1,3})-\1(?![\w-]|[.,]\d)", r"\1 \1"),  # fifty fifty
    Rule(r"(?<![\w.,-])((?:\d{1,3}(?:,\d{3}){1,6}|\d{1,9})(?:\.\d{1,9})?)[-–—](?=\d{1,9}(?![\w-]))", r"\1 to "),
    Rule(r"\b(?:([A-Z][A-Za-z]{0,11})[-–]?|([a-z]{1,12}))(\d{1,21})([A-Za-z]?)(?![\w-]|\.\d)", _code),
    Rule(
        r"(?<!\w)(?:\d{1,21}+[^\W\d_]{1,12}+|[^\W\d_]{1,12}+\d{1,21}+)(?:\d{1,21}+|[^\W\d_]{1,12}+){0,20}+(?!\w)",
        _mixed,
    ),
    Rule(r"(?<![\d.])\.\d{1,21}|(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,21})(?:\.\d{1,21})?", _amount),
)
