"""The words of a language from which its rules of normalisation are made."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LanguageTable:
    """The words of one language that writes 1.234,5 and 14:30 and 31.12.1999."""

    code: str  # as num2words knows it
    months: tuple[str, ...]
    minus: str
    decimal_comma: str
    to: str  # between the ends of a range
    by: str  # 3 x 4
    ratio: str  # 16:9
    hour: str  # 14:30 is fourteen HOUR thirty
    number_sign: str  # #5
    one: str  # before a noun
    feminine_one: str  # before a noun of feminine_units
    feminine_units: frozenset[str]  # in the singular
    currencies: Mapping[str, str]  # sign or code: name
    units: Mapping[str, tuple[str, str]]  # as written: singular, plural
    scales: Mapping[str, tuple[str, str]]  # millions, as written: singular, plural
    halves: Mapping[str, str]  # 1/2: read
    abbreviations: Mapping[str, str]  # as written, with their full stops: read
    closing: frozenset[str]  # those of them that often end a sentence
    signs: Mapping[str, str]
    address_signs: Mapping[str, str]
    ordinal: str  # pattern of an ordinal; group 1 is its number, and what comes before that stays
    parts: frozenset[str]  # what is numbered in Roman numerals and is no king
    king: str  # Louis XIV is Louis KING fourteenth
    # An ordinal takes the ending of the first of these patterns that is found in the text before it.
    endings: tuple[tuple[str, str], ...] = ()
    capital_kings: bool = False  # der Vierzehnte
    decade: str = ""  # what is written after, and said with, a number: die 90er Jahre
    respelled: tuple[tuple[str, str], ...] = ()  # further patterns, and what they are read as
