"""Normalisation of money, measures, percentages, fractions and degrees in English."""

import re

from text.english.words import cardinal, is_one, number, ordinal, plural
from text.rules import Rule, after, before
from text.tables import table, words

# A number as written: 1,234,567.89 or 1234.5 or .5 (longer runs of digits are broken up before the rules see them).
NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,21})(?:\.\d{1,21})?|\.\d{1,21}"
_START = r"(?<![\w.,])"

_CURRENCIES = table(
    """
    $: dollar, US$: dollar, £: pound, €: euro, A$: Australian dollar, C$: Canadian dollar, ¥: yen, ₹: rupee, ₽: ruble,
    ₩: won, ₺: lira, ₴: hryvnia, ₿: bitcoin, ₪: shekel, ฿: baht, ₫: dong, R$: real
    """
)
_HUNDREDTHS = table(
    """
    dollar: cent, euro: cent, Australian dollar: cent, Canadian dollar: cent, pound: penny, rupee: paisa, ruble: kopeck
    """
)
_CODES = table("USD: $, EUR: €, GBP: £, JPY: ¥, INR: ₹, CAD: C$, AUD: A$")
_SCALES = table("k: thousand, m: million, mn: million, mm: million, bn: billion, b: billion, t: trillion, tn: trillion")
_UNCHANGED = words(
    """
    yen won baht dong real rand hertz Celsius Fahrenheit percent horsepower
    """
)
_IRREGULAR = {"foot": "feet", "penny": "pence", "paisa": "paise", "century": "centuries"}

_UNITS = table(
    """
    km: kilometer, m: meter, cm: centimeter, mm: millimeter, µm: micrometer, nm: nanometer, kg: kilogram, g: gram,
    mg: milligram, µg: microgram, mcg: microgram, lb: pound, lbs: pound, oz: ounce, cwt: hundredweight, ft: foot,
    in: inch, yd: yard, yds: yard, mi: mile, gal: gallon, pt: pint, pts: point, qt: quart, l: liter, L: liter,
    ml: milliliter, mL: milliliter, cl: centiliter, dl: deciliter, ha: hectare, hp: horsepower, h: hour, hr: hour,
    hrs: hour, min: minute, mins: minute, s: second, sec: second, secs: second, ms: millisecond, µs: microsecond,
    ns: nanosecond, yr: year, yrs: year, Hz: hertz, kHz: kilohertz, MHz: megahertz, GHz: gigahertz, dB: decibel,
    V: volt, kV: kilovolt, mV: millivolt, W: watt, kW: kilowatt, MW: megawatt, GW: gigawatt, kWh: kilowatt hour,
    mAh: milliamp hour, mA: milliamp, Ω: ohm, J: joule, kJ: kilojoule, kB: kilobyte, KB: kilobyte, MB: megabyte,
    GB: gigabyte, TB: terabyte, kb: kilobit, Mbps: megabit per second, Gbps: gigabit per second,
    kbps: kilobit per second, Pa: pascal, Mb: megabit, Gb: gigabit, kPa: kilopascal, hPa: hectopascal,
    kcal: kilocalorie, cal: calorie, mph: mile per hour, kmh: kilometer per hour, kph: kilometer per hour,
    km/h: kilometer per hour, m/s: meter per second, mpg: mile per gallon, rpm: revolution per minute,
    bpm: beat per minute, fps: frame per second, dpi: dot per inch, psi: pound per square inch, sq ft: square foot,
    sq. ft: square foot, sq mi: square mile, sq. mi: square mile, cu ft: cubic foot, cu. ft: cubic foot,
    fl oz: fluid ounce, fl. oz: fluid ounce, px: pixel, °C: degree Celsius, °F: degree Fahrenheit, ° C: degree Celsius,
    ° F: degree Fahrenheit, °: degree, ¢: cent,
    %: percent, ppm: part per million, tsp: teaspoon, tbsp: tablespoon,
    m.p.h: mile per hour, r.p.m: revolution per minute, ‰: per mille, MP: megapixel, mol: mole
    """
)
_UNITS |= {f"{unit}²": f"square {_UNITS[unit]}" for unit in ("km", "m", "cm", "mm", "ft", "in", "mi", "yd")}
_UNITS |= {f"{unit}³": f"cubic {_UNITS[unit]}" for unit in ("km", "m", "cm", "mm", "ft", "in", "yd")}
_UNITS |= {unit.replace("µ", "μ"): name for unit, name in _UNITS.items() if "µ" in unit}  # micro sign, Greek mu
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
# These letters alone also mean other things: they are units only where what follows does not say otherwise.
_AFTER_INCHES = re.compile(r"\s?(?:$|[,;:)]|\.(?=$|[\s,;:)])|(?:by|x|×|long|wide|high|tall|deep|thick|square)\b)")

_SIGN = "|".join(sorted(map(re.escape, _CURRENCIES), key=len, reverse=True))
_SCALE = r"hundred|thousand|million|billion|trillion|[kKmMbBtT]|[mM]n|MM|[bB]n|tn"
_ADJECTIVE = re.compile(r"(?:^|\W)(?:an?|one|every|each|this|that)\s$", re.IGNORECASE)
_NOT_NOUNS = words(
    """
    a an and or in on at of to for from per by with each every was is were are had has but as than more less out over
    worth the he she they it we which who that when if while because ago apart away apiece later wide long high tall
    deep thick total extra off below above
    """
)


def count_of(quantity: str, unit: str) -> str:
    """The unit in the singular or the plural: 1 mile per hour, 2 miles per hour."""
    return unit if is_one(quantity) else _plural(unit)


def _plural(unit: str) -> str:
    head, per, rest = unit.partition(" per ")
    if unit == "per mille":
        return unit
    start, _, noun = head.rpartition(" ")
    if noun in ("Celsius", "Fahrenheit"):
        start, noun = plural(start), noun
    elif noun not in _UNCHANGED and not noun.endswith("hertz"):
        noun = _IRREGULAR.get(noun) or plural(noun)
    return f"{start} {noun}".strip() + per + rest


def _forms() -> dict[str, str]:
    """Each way to write a unit as words, and the unit."""
    forms = {form: unit for unit in (*_UNITS.values(), *_CURRENCIES.values()) for form in (unit, _plural(unit))}
    return (
        {re.sub(r"(?<=met|lit)er", "re", form): unit for form, unit in forms.items()}
        | forms
        | {f"{kind} {form}": "dollar" for kind in ("US", "U.S.", "American") for form in ("dollar", "dollars")}
        | table(
            """
            per cent: percent, bucks: dollar, quid: pound, kilo: kilogram, kilos: kilogram, Celsius: degree Celsius,
            Fahrenheit: degree Fahrenheit, centigrade: degree Celsius, miles an hour: mile per hour
            """
        )
    )


_FORMS = _forms()
_FORM = "|".join(sorted(map(re.escape, _FORMS), key=len, reverse=True))
_OTHER_NOUNS = frozenset(("second", "minute"))  # in two seconds second to none


def _once(match: re.Match[str]) -> str:
    first, second = _FORMS[match[1]], _FORMS[match[2]]
    if match[2] in _OTHER_NOUNS and match[1] != match[2]:
        return match[0]
    return match[1] if first == second or (second == "degree" and first.startswith("degree ")) else match[0]


def _is_adjective(match: re.Match[str]) -> bool:
    """Whether a noun follows that this measures, as in a $5 bill or $5-a-month rooms."""
    if re.match(r"-an?-", after(match)):
        return True
    return _noun_after(match) and _ADJECTIVE.search(before(match)) is not None


def _noun_after(match: re.Match[str]) -> bool:
    noun = re.match(r"[\s-]([A-Za-z]{2,20})", after(match))
    return noun is not None and noun[1] not in _NOT_NOUNS


def _money(match: re.Match[str]) -> str:
    sign, amount, scale = match.groups()
    unit = _CURRENCIES[sign]
    hundredth = _HUNDREDTHS.get(unit)
    if scale:
        words = f"{number(amount)} {_SCALES.get(scale.lower(), scale)}"
        return f"{words} {unit if _is_adjective(match) else _plural(unit)}"
    whole, point, rest = amount.partition(".")
    if not (point and len(rest) == 2 and hundredth):
        return f"{number(amount)} {unit if _is_adjective(match) else count_of(amount, unit)}"
    small = f"{cardinal(rest)} {count_of(rest, hundredth)}"
    large = f"{cardinal(whole or '0')} {count_of(whole, unit)}"
    if int(rest) == 0:
        return large
    return small if not whole.strip("0") else f"{large} and {small}"


def _sign_and_code(match: re.Match[str]) -> str:
    """£5 GBP and $5 CAD name one currency twice."""
    sign, amount, scale, code = match.groups()
    return f"{_CODES[code]}{amount}{scale}" if _CODES[code].endswith(sign[-1]) else match[0]


def _price(match: re.Match[str]) -> str:
    return f"{match[1]} per {_UNITS.get(match[2], match[2])}"


def _money_range(match: re.Match[str]) -> str:
    sign, first, last, scale = match.groups()
    return f"{number(first)} to {sign}{last}{' ' + scale if scale else ''}"


def _shillings(match: re.Match[str]) -> str:
    pounds, shillings, pence = match.groups()
    parts = [f"{cardinal(shillings)} shilling{'' if is_one(shillings) else 's'}"] if shillings else []
    if pounds:
        parts.insert(0, f"{cardinal(pounds)} {count_of(pounds, 'pound')}")
    if pence:
        parts.append(f"{number(pence)} {count_of(pence, 'penny')}")
    return ", ".join(parts)


def _measure(match: re.Match[str]) -> str:
    quantity, scale, between, unit = match.groups()
    if unit == "in" and not (between == "" or match[0].endswith(".") or _AFTER_INCHES.match(after(match))):
        return match[0]
    if len(unit) == 1 and unit.isalpha() and (between == "-" or (unit == "s" and not between and "." not in quantity)):
        return match[0]  # 747s are several, not an instant, and 3-D is no distance
    name = _UNITS[unit]
    singular = (between == "-" and name not in _UNCHANGED) or _is_adjective(match)
    singular = singular or (unit == "mm" and not match[0].endswith(".") and _noun_after(match))  # 35 mm film
    if scale:
        return f"{number(quantity)}{scale} {name if singular else _plural(name)}"
    return f"{number(quantity)} {name if singular else count_of(quantity, name)}"


def _fraction(match: re.Match[str]) -> str:
    whole, above, below, unit = match.groups()
    top, bottom = int(above), int(below)
    if (top == bottom or (top, bottom) in ((24, 7), (9, 11))) and not whole:
        return f"{cardinal(top)} {cardinal(bottom)}"
    if not (0 < top < bottom) or (bottom > 100 and bottom % 100):
        return f"{cardinal(whole)} {cardinal(top)} over {cardinal(bottom)}" if whole else _over(match)
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom).replace(" ", "-")
    part = f"{cardinal(top)} {name if top == 1 else plural(name)}"
    if whole:
        part = f"{cardinal(whole)} and {'a half' if bottom == 2 else part}"
    if not unit:
        return part
    return f"{part} {_plural(_UNITS[unit])}" if whole else f"{part} {_UNITS[unit]}"


def _over(match: re.Match[str]) -> str:
    return f"{cardinal(match[2])} over {cardinal(match[3])}{' ' + match[4] if match[4] else ''}"


def _angle(match: re.Match[str]) -> str:
    parts = zip(match.groups(), ("degree", "minute", "second"), strict=True)
    return ", ".join(f"{number(part)} {count_of(part, name)}" for part, name in parts if part)


def _feet_and_inches(match: re.Match[str]) -> str:
    feet, inches = match.groups()
    return f"{cardinal(feet)} {count_of(feet, 'foot')} {number(inches)} {count_of(inches, 'inch')}"


MONEY = (
    Rule(rf"({_SIGN})\s?({NUMBER})((?:\s?(?:{_SCALE}))?)\s?({'|'.join(_CODES)})\b", _sign_and_code),
    Rule(rf"\b({'|'.join(_CODES)})\s?(?={NUMBER})", lambda match: _CODES[match[1]]),
    Rule(rf"{_START}({NUMBER})\s?({'|'.join(_CODES)})\b", lambda match: _CODES[match[2]] + match[1]),
    Rule(rf"{_START}({NUMBER})\s?([€£₽₹₩₪₺₴])(?!\s?\d)", r"\2\1"),
    Rule(r"(?<![\w.,$])(?:£\s?(\d{1,6})[\s,]{1,2})?(\d{1,2})s\.[\s,]{0,2}(?:(\d{1,2}(?:\.\d)?)\s?d\b\.?)", _shillings),
    Rule(r"(?<![\w.,$])£\s?(\d{1,6})[\s,]{1,2}(\d{1,2})s\b\.?()", _shillings),
    Rule(r"(?<![\w.,$])()(1?\d)s\.()(?=\s[a-z]|[,;)])", _shillings),
    Rule(r"(?<![\w.,$])()()(\d{1,2})d\.(?=\s|$|[,;)])", _shillings),
    Rule(rf"({_SIGN})\s?({NUMBER})\s?[-–—]\s?(?:{_SIGN})?({NUMBER})(?:\s?({_SCALE})\b)?(?![\w-])", _money_range),
    Rule(rf"((?:{_SIGN})\s?(?:{NUMBER})(?:\s?(?:{_SCALE}))?)\s?/\s?({_UNIT}|[a-z]{{3,9}})(?!\w)", _price),
    Rule(rf"({_SIGN})\s?({NUMBER})(?:[\s-]?({_SCALE})\b)?", _money),
)

MEASURED = r"%|km|[cm]?m|kg|ft|lbs?|°[CF]|[KMG]B|kWh|km/h|mph"  # what surely stands behind a number
MEASURES = (
    # Both ends have their unit: 5%-10%, 20°C–25°C.
    Rule(rf"{_START}((?:{NUMBER})\s?(?:{_UNIT}))\s?[-–—]\s?(?=(?:{NUMBER})\s?(?:{_UNIT})(?![\w/]))", r"\1 to "),
    Rule(rf"{_START}({NUMBER})[-–—](?=(?:{NUMBER})[\s-]?(?:{_UNIT})(?![\w/]|\.\w))", r"\1 to "),
    Rule(r"(?<![\w.,])(\d{1,3})°\s?(\d{1,2}(?:\.\d{1,9})?)'(?:\s?(\d{1,2}(?:\.\d{1,9})?)(?:\"|''))?", _angle),
    Rule(r"(?<![\w.,'])(\d{1,2})'\s?(\d{1,2}(?:\.\d)?)(?:\"|'')", _feet_and_inches),
    Rule(
        rf"(?<![\w.,/])(?:(\d{{1,6}})[\s-])?(\d{{1,4}})[/⁄](\d{{1,4}})(?:(?:th|rd|nd|st)s?\b|[\s-]?({_UNIT})(?![\w/]))?(?![/\d]|\.\d)",
        _fraction,
    ),
    Rule(
        rf"{_START}({NUMBER})(\s(?:hundred|thousand|million|billion|trillion))?([\s-]?)({_UNIT})(?![\w/]|['.]\w)(?:\.(?=\s?[a-z0-9,;:)]))?",
        _measure,
    ),
)
# A unit that is written as a sign and as a word, such as $5 dollars, is read once.
SAID_ONCE = (Rule(rf"\b({_FORM})\s({_FORM})(?![\w-])", _once),)
