"""Numbers as English words: cardinals, ordinals, years, digits, and pairs as in house numbers.

American, without "and": 199 is one hundred ninety-nine. (num2words has no such form, and no years before 1100.)
"""

from text.tables import table

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_THOUSANDS = ("", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion")
_ORDINALS = table(
    """
    one: first, two: second, three: third, five: fifth, eight: eighth, nine: ninth, twelve: twelfth
    """
)
MOST_DIGITS = 21  # of a number that is read as one; longer ones are read digit by digit


def cardinal(number: int | str) -> str:
    """Cardinal: 6439 is six thousand four hundred thirty-nine. Commas in a string are those between thousands."""
    text = str(number).replace(",", "")
    if len(text) > MOST_DIGITS:
        return digits(text)
    groups: list[str] = []
    rest, size = int(text), 0
    while rest:
        rest, group = divmod(rest, 1000)
        if group:
            groups.insert(0, _below_thousand(group) + _THOUSANDS[size])
        size += 1
    return " ".join(groups) or "zero"


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        words.append(_TENS[rest // 10] + (f"-{_SMALL[rest % 10]}" if rest % 10 else ""))
    elif rest:
        words.append(_SMALL[rest])
    return " ".join(words)


def ordinal(number: int | str) -> str:
    """Ordinal: 21 is twenty-first."""
    return make_ordinal(cardinal(number))


def make_ordinal(words: str) -> str:
    """The ordinal of a cardinal in words."""
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last in _ORDINALS:
        return words[:cut] + _ORDINALS[last]
    return words[:-1] + "ieth" if last.endswith("y") else words + ("h" if last.endswith("t") else "th")


def year(number: int | str) -> str:
    """1803 is eighteen oh three, 2005 two thousand five, 2024 twenty twenty-four."""
    century, rest = divmod(int(number), 100)
    if century < 10 or (century % 10 == 0 and rest < 10):
        return cardinal(number)
    return f"{cardinal(century)} {_after_hundreds(rest)}"


def pairs(number: str) -> str:
    """A number that is a name: 214 is two fourteen, 1026 ten twenty-six, 405 four oh five, 2000 two thousand."""
    value = int(number)
    if number.startswith("0") or value > 9999:
        return digits(number)
    hundreds, rest = divmod(value, 100)
    if not hundreds or value % 1000 == 0:
        return cardinal(value)
    return f"{cardinal(hundreds)} {_after_hundreds(rest)}"


def _after_hundreds(rest: int) -> str:
    return "hundred" if rest == 0 else cardinal(rest) if rest > 9 else f"oh {cardinal(rest)}"


def digits(text: str, *, zero: str = "zero") -> str:
    """Digit by digit; other characters are left out."""
    return " ".join(_SMALL[int(digit)] if digit != "0" else zero for digit in text if digit in "0123456789")


def number(text: str) -> str:
    """A number as it is written in a text: 1,234.50 is one thousand two hundred thirty-four point five zero."""
    whole, point, fraction = text.partition(".")
    words = cardinal(whole) if whole else ""
    return f"{words} point {digits(fraction)}".strip() if point and fraction else words


def is_one(text: str) -> bool:
    """Whether a number as written takes the singular: 1 dollar, but 1.0 dollars."""
    return text.lstrip("0") == "1"


def plural(word: str) -> str:
    """The plural of a noun in words: twenties, halves, inches."""
    if word.endswith("f"):
        return word[:-1] + "ves"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
