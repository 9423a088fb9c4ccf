"""Normalisation by the table of a language, with the numbers of num2words."""

import re
from collections.abc import Iterable

from text.addresses import IN_TEXT, address_rules
from text.continental.table import LanguageTable
from text.roman import value_of
from text.rules import Rule, after, apply, before, spaced

_NUMBER = r"(?:\d{1,3}(?:\.\d{3}){1,4}(?![.\d])|\d{1,15})(?:,\d{1,15})?"
_FREE = r"(?<![\w.,])"
# Thousands apart by blanks or apostrophes: 1 000 000, 1'234'444.
_GROUPED = re.compile(
    r"(?<![\w.,'/+-])(?<!\d\s)[1-9]\d{0,2}(?:(?:\s\d{3}){2,4}|\s\d{3}(?=\s[^\W\d_])|(?:'\d{3}){1,4})(?![\w'-]|\s?\d)"
)
_LONG = re.compile(r"(?<!\d)\d{16,}")
_DIGIT = re.compile(r"\d")


class TableReader:
    """Normalises texts of the language of a table."""

    def __init__(self, table: LanguageTable) -> None:
        self.table = table
        capital = {_capital(written): _capital(read) for written, read in table.abbreviations.items()}
        self._read_as = capital | dict(table.abbreviations)
        self._abbreviations = _one_of(self._read_as, before=r"(?<![\w.])", after=r"(?!\w)")
        self._signs = _one_of(table.signs)
        self._addresses = address_rules(table.address_signs, self.digits)
        self._king = Rule(r"\b(\w{3,20}) ([IVX]{1,6})\b(?:\.(?=\s[a-z]))?(?!\.?\w)", self._ruler)
        forms = (*table.units.values(), *table.scales.values(), *((name, name) for name in table.currencies.values()))
        nouns = _one_of({form for pair in forms for form in pair}, before=r"\b(", after=")").pattern
        self._twice = re.compile(rf"{nouns}\s(\1|\w{{3,}})(?!\w)")
        self._plurals = {frozenset(pair) for pair in forms}
        self._rules = self._number_rules()
        self._respelled = tuple(Rule(pattern, read) for pattern, read in table.respelled)

    def __call__(self, text: str, language: str) -> str:
        """Normalise a text without inline phonemes; the same for every dialect."""
        text = apply(self._respelled, self._abbreviations.sub(self._expand, text))
        if IN_TEXT.search(text):
            text = apply(self._addresses, text)
        text = apply((self._king,), text)
        counted = _DIGIT.search(text) is not None
        if counted:
            text = _GROUPED.sub(lambda match: re.sub(r"[\s']", ".", match[0]), text)
            text = apply(self._rules, _LONG.sub(lambda match: self.digits(match[0]), text))
        text = self._signs.sub(lambda match: spaced(match, self.table.signs[match[0]]), text)
        return self._said_once(text) if counted else text

    # ---------------------------------------------------------------------------------------- numbers as words

    def cardinal(self, number: int | str) -> str:
        """Cardinal."""
        value = int(number)
        return self._words(value, "year" if 1100 <= value < 2000 and value % 100 == 0 else "cardinal")

    def ordinal(self, number: str, behind: str) -> str:
        """Ordinal, with the ending that follows from the text before it."""
        ending = next((ending for pattern, ending in self.table.endings if re.search(pattern, behind)), "")
        return self._words(int(number), "ordinal") + ending

    def year(self, number: str) -> str:
        """Year: nineteen hundred and so on."""
        return self._words(int(number), "year" if 1100 <= int(number) < 2000 else "cardinal")

    def digits(self, text: str) -> str:
        """Digit by digit."""
        return " ".join(self.cardinal(digit) for digit in text if digit.isdecimal())

    def number(self, text: str) -> str:
        """A number as written: 1.234,5."""
        whole, comma, rest = text.partition(",")
        whole = whole.replace(".", "")
        words = self.digits(whole) if len(whole) > 1 and whole.startswith("0") else self.cardinal(whole)
        return f"{words} {self.table.decimal_comma} {self.digits(rest)}" if comma else words

    def count(self, number: str, noun: str) -> str:
        """A number before a noun: ein Meter, eine Stunde, zwei Meter."""
        if number != "1":
            return f"{self.number(number)} {noun}"
        return f"{self.table.feminine_one if noun in self.table.feminine_units else self.table.one} {noun}"

    def _words(self, value: int, kind: str) -> str:
        from num2words import num2words  # type: ignore[import-untyped]  # 40 ms, for those who have numbers in their texts

        words: str = num2words(value, lang=self.table.code, to=kind)
        return words.replace(" honderd", "honderd")  # Dutch years come in too many words

    # -------------------------------------------------------------------------------------------- what is read

    def _number_rules(self) -> tuple[Rule, ...]:
        table = self.table
        months = "|".join(table.months)
        money = "|".join(sorted(map(re.escape, table.currencies), key=len, reverse=True))
        units = "|".join(sorted(map(re.escape, table.units), key=len, reverse=True))
        scales = "|".join(sorted(map(re.escape, table.scales), key=len, reverse=True))
        day = rf"\d{{1,2}}\.?(?=\s(?:{months})\b)"
        return (
            Rule(
                r"(?<![\w.,/-])(?:\+\d{1,3}[\s.-]?)?\(?0\d{1,4}\)?[\s/-]\d{2,8}(?:[\s-]\d{2,8}){0,3}(?![\w-])",
                self._telephone,
            ),
            Rule(
                r"(?<![\w.,/-])\+(?=(?:[\s./()-]{0,2}\d){7})\d{1,3}(?:[\s./-]?\(?\d{1,9}\)?){2,6}(?![\w-])",
                self._telephone,
            ),
            Rule(r"(?<!\d\s)(?<![^\s(\"'])-(?=\d)", f"{table.minus} "),
            Rule(r"(?<![\w.,/-])(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?![\w-])", self._numeric_date),
            Rule(r"(?<![\w.,/-])(\d{4})(-)(\d\d)-(\d\d)(?![\w-])", self._iso_date),
            Rule(r"(?<![\w.,/-])(\d{1,2})\.(\d{1,2})\.(?!\d)", self._day_and_month),
            Rule(
                rf"(?<![\w:.,])(\d{{1,2}}(?::\d\d)?)\s?[-–]\s?(?=\d{{1,2}}(?::\d\d)?\s{table.hour}\b)",
                rf"\1 {table.to} ",
            ),
            Rule(rf"(?<![\w:])(\d{{1,2}}):(\d\d)(?:\s{table.hour})?(?![\w:])", self._clock),
            Rule(rf"(?<![\w.,])(\d{{1,2}})\.(\d\d)\s{table.hour}\b", self._clock),
            Rule(rf"(?<![\w.,:])(\d{{1,2}})\s{table.hour}\b", lambda m: self.count(m[1], table.hour)),
            # Ranges of what is measured: 10-20 km, € 5-10, 5 %–10 %.
            Rule(
                rf"{_FREE}({_NUMBER})\s?[-–]\s?(?=(?:{_NUMBER})\s?(?:{units}|{money}|{scales})(?!\w))",
                lambda m: f"{self.number(m[1])} {table.to} ",
            ),
            Rule(rf"({money})\s?({_NUMBER})\s?[-–]\s?(?=\d)", lambda m: f"{self.number(m[2])} {table.to} {m[1]} "),
            Rule(rf"(?<![\w.,])((?:{_NUMBER})\s?(?:{units}|{money}))\s?[-–]\s?(?=\d)", rf"\1 {table.to} "),
            Rule(rf"({money})\s?({_NUMBER})(?:,-+)?(?:\s({scales}))?(?!\w)", lambda m: self._money(m[2], m[1], m[3])),
            Rule(
                rf"{_FREE}({_NUMBER})(?:,-+)?(?:\s({scales}))?\s?({money})(?!\w)",
                lambda m: self._money(m[1], m[3], m[2]),
            ),
            Rule(rf"{_FREE}({_NUMBER})[\s-]?({units})(?!\w)", self._measure),
            Rule(rf"{_FREE}({_NUMBER})\s({scales})(?!\w)", self._scaled),
            Rule(rf"{_FREE}({day})", self._day),
            Rule(table.ordinal, self._ordinal),
            Rule(r"(?<![\w.,/])(\d{1,2})/(\d{1,2})(?![\w/])", self._fraction),
            Rule(r"(?<![\w.,/-])([12]\d{3})\s?[-–]\s?([12]\d{3}|\d\d)(?![\w-]|[.,]\d)", self._years),
            Rule(rf"{_FREE}({_NUMBER})\s?[-–]\s?(?=\d)", lambda m: f"{self.number(m[1])} {table.to} "),
            Rule(rf"{_FREE}({_NUMBER})\s?[x×]\s?(?=\d)", lambda m: f"{self.number(m[1])} {table.by} "),
            Rule(r"(?<![\w.,+])[12]\d{3}(?![\w%]|[.,]\d)", lambda m: self.year(m[0])),
            Rule(r"(?<![\w.,])(\d{1,4})x(?!\w)", lambda m: f"{self.cardinal(m[1])} {table.signs['×']}"),
            Rule(r"(?<![\w.,:])(\d{1,4}):(?=\d{1,4}(?![\w:]))", rf"\1 {table.ratio} "),
            Rule(rf"(?<![\w.,])(\d{{2,4}}){table.decade or '(?!)'}\b", self._decade),
            Rule(r"#\s?(?=\d)", f"{table.number_sign} "),
            Rule(r"(?<![\w.,])(?!\d{1,3}(?:\.\d{3})+\b)\d{1,4}(?:\.\d{1,4}){2,9}(?![\w-]|[.,]\d)", self._version),
            Rule(rf"(?:(?<!\S)([-−])\s?)?({_NUMBER})", self._plain),
        )

    def _expand(self, match: re.Match[str]) -> str:
        rest = after(match)
        closes = match[0] in self.table.closing and re.match(r"[\"')]*\s[\"'(]?[A-ZÄÖÜ]", rest)
        ends = match[0].endswith(".") and (closes or not rest.strip("\"') "))
        return self._read_as[match[0]] + ("." if ends else "") + (" " if rest[:1].isalnum() else "")

    def _ruler(self, match: re.Match[str]) -> str:
        value = value_of(match[2])
        if not value:
            return match[0]
        if _capital(match[1]) in self.table.parts:
            return f"{match[1]} {self.cardinal(value)}"
        if not match[1].istitle():
            return match[0]
        words = self._words(value, "ordinal")
        return f"{match[1]} {self.table.king} {words.capitalize() if self.table.capital_kings else words}"

    def _said_once(self, text: str) -> str:
        """Remove the second of a unit that is written as a sign and as a word (5 € Euro, 20 °C Grad)."""
        pieces, start, place = list[str](), 0, 0
        while match := self._twice.search(text, place):
            first, second = match[1], match[2]
            same = second in first.split() or frozenset((first, second)) in self._plurals
            if first == second or same or (len(second) > 3 and first.startswith(second)):
                pieces.append(text[start : match.end(1)])
                start = match.end()
            place = match.end() if start == match.end() else match.end(1)
        return "".join((*pieces, text[start:]))

    def _version(self, match: re.Match[str]) -> str:
        return f" {self.table.address_signs['.']} ".join(map(self.cardinal, match[0].split(".")))

    def _telephone(self, match: re.Match[str]) -> str:
        groups = [self.digits(group) for group in re.findall(r"\d+", match[0])]
        return ("plus " if "+" in match[0] else "") + ", ".join(groups)

    def _numeric_date(self, match: re.Match[str]) -> str:
        day, month, year = match[1], int(match[3]), match[4]
        return self._date(match, day, month, year)

    def _iso_date(self, match: re.Match[str]) -> str:
        return self._date(match, match[4], int(match[3]), match[1])

    def _date(self, match: re.Match[str], day: str, month: int, year: str) -> str:
        if not (1 <= month <= 12 and 1 <= int(day) <= 31):
            return match[0]
        return f"{self._day_words(day, before(match))} {self.table.months[month - 1]} {self.year(year)}"

    def _day_and_month(self, match: re.Match[str]) -> str:
        if not (1 <= int(match[1]) <= 31 and 1 <= int(match[2]) <= 12):
            return match[0]
        words = f"{self._day_words(match[1], before(match))} {self.table.months[int(match[2]) - 1]}"
        return words + ("" if after(match).strip() else ".")

    def _decade(self, match: re.Match[str]) -> str:
        return self.year(match[1]) + self.table.decade

    def _day(self, match: re.Match[str]) -> str:
        return self._day_words(match[1].rstrip("."), before(match)) if int(match[1].rstrip(".")) <= 31 else match[0]

    def _day_words(self, day: str, behind: str) -> str:
        return self.ordinal(day, behind) if self.table.endings else self.cardinal(day)

    def _clock(self, match: re.Match[str]) -> str:
        hour, minute = int(match[1]), int(match[2])
        if hour > 24 or minute > 59:
            return match[0]
        return self.count(str(hour), self.table.hour) + (f" {self.cardinal(minute)}" if minute else "")

    def _money(self, amount: str, sign: str, scale: str | None) -> str:
        name = self.table.currencies[sign]
        if scale:
            return f"{self._measured(amount, self.table.scales[scale])} {name}"
        whole, _, rest = amount.partition(",")
        if len(rest) != 2:
            return self.count(amount, name)
        return self.count(whole, name) + (f" {self.cardinal(rest)}" if int(rest) else "")

    def _measure(self, match: re.Match[str]) -> str:
        return self._measured(match[1], self.table.units[match[2]])

    def _scaled(self, match: re.Match[str]) -> str:
        return self._measured(match[1], self.table.scales[match[2]])

    def _measured(self, number: str, nouns: tuple[str, str]) -> str:
        return self.count(number, nouns[0] if number == "1" else nouns[1])

    def _ordinal(self, match: re.Match[str]) -> str:
        start = match.start(1)
        behind = match.string[max(0, start - 20) : start]
        return match.string[match.start() : start] + self.ordinal(match[1], behind)

    def _fraction(self, match: re.Match[str]) -> str:
        return (
            self.table.halves.get(match[0])
            or f"{self.cardinal(match[1])} {self.table.signs['/']} {self.cardinal(match[2])}"
        )

    def _years(self, match: re.Match[str]) -> str:
        last = self.year(match[2]) if len(match[2]) == 4 else self.number(match[2])
        return f"{self.year(match[1])} {self.table.to} {last}"

    def _plain(self, match: re.Match[str]) -> str:
        minus = f"{self.table.minus} " if match[1] else ""
        return spaced(match, minus + self.number(match[2]))


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]


def _one_of(words: Iterable[str], *, before: str = "", after: str = "") -> re.Pattern[str]:
    known = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(f"{before}(?:{'|'.join(known)}){after}")
