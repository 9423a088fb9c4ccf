"""Classification of a column by its cells: text, names, phonemes, numbers or categories."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

LONGEST_NAME = 40  # characters; a speaker has a name, not a sentence
FEW_ROWS = 10  # below this, repetition is no evidence
_SAMPLED = 400  # cells, for the slow tests

# Stress and length marks of the IPA, and these with the IPA letters, some of which orthographies use as well.
_STRESS = re.compile("[ˈˌː]")
_IPA = re.compile("[ˈˌːˑʲʰʷɑɐɒɓʙɕɖɗɘɚɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰɳɲɴɸɹɺɾɻʀʁɽʂʈʊʋʌɣɤʍʎʏʑʐʔʡʕʢəɛɔŋðʃʒ]|t͡ʃ|d͡ʒ")
# A phoneme of ARPAbet with its stress, as AH0, or a syllable of pinyin or jyutping with its tone, as hao3.
_NUMBERED_SOUND = re.compile(r"[A-Z]{2}[0-2]|[a-zü:]{1,6}[1-6]")
_SOUND = re.compile(r"[A-Z]{1,2}[0-2]?|[a-zü:]{1,6}[1-6]?|[^\w\s]+|sil|sp|spn")

_NUMBER = re.compile(r"[+-]?\d{1,12}([.,]\d+)?(e[+-]?\d+)?|\d{1,3}(:\d{2}){1,2}([.,]\d+)?")
_NUMBERS = re.compile(rf"({_NUMBER.pattern})( +({_NUMBER.pattern}))*")
_INTEGER = re.compile(r"\d{1,12}")
_HASH = re.compile(r"(?=.*[a-f])[0-9a-f]{16,128}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LANGUAGE = re.compile(r"([A-Za-z]{2})([-_][A-Za-z]{2,4})?")
_LANGUAGE_CODES = (
    "aa ab af ak am ar as av ay az ba be bg bn bo br bs ca ce co cs cv cy da de dv dz ee el en eo es et eu fa ff fi fo "
    "fr fy ga gd gl gn gu gv ha he hi hr ht hu hy ia id ig is it iu ja jp jv ka kk kl km kn ko kr ku kw ky la lb lg ln "
    "lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no ny oc om or os pa pl ps pt qu rm rn ro ru rw sa sc sd se sg si "
    "sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ug uk ur uz ve vi vo wa wo xh yi yo za "
    "zh cn zu"
)
# Attributes of a recording or a speaker, not names.
_CATEGORY_WORDS = (
    "male_masculine female_feminine "
    "m f male female man woman männlich weiblich other train dev test valid validation val eval true false yes no "
    "teens twenties thirties fourties forties fifties sixties seventies eighties nineties "
    "neutral happy sad angry surprise surprised fear fearful disgust disgusted calm excited whisper whispering amused "
    "sleepy anger sleepiness amusement"
)
_LANGUAGES, _CATEGORIES = frozenset(_LANGUAGE_CODES.split()), frozenset(_CATEGORY_WORDS.split())


@dataclass(frozen=True)
class Column:
    """One column of the sampled rows."""

    index: int
    name: str  # in the header; empty if there is none
    cells: tuple[str, ...]

    @cached_property
    def filled(self) -> tuple[str, ...]:
        """The cells that are not empty."""
        return tuple(cell for cell in self.cells if cell)

    @property
    def is_filled(self) -> bool:
        """Whether at least half of the cells are not empty."""
        return 2 * len(self.filled) >= len(self.cells) > 0 and bool(self.filled)

    @cached_property
    def _some(self) -> tuple[str, ...]:
        return self.filled[:: max(1, len(self.filled) // _SAMPLED)]

    @cached_property
    def distinct(self) -> frozenset[str]:
        """The distinct non-empty cells."""
        return frozenset(self.filled)

    @cached_property
    def variety(self) -> float:
        """The share of distinct cells among the non-empty ones."""
        return len(self.distinct) / max(1, len(self.filled))

    @cached_property
    def words(self) -> float:
        """Mean words per cell; in a script without blanks, two letters count as a word."""
        return sum(map(_words, self._some)) / max(1, len(self._some))

    @cached_property
    def characters(self) -> float:
        """Mean characters per cell, without blanks."""
        return sum(len("".join(cell.split())) for cell in self._some) / max(1, len(self._some))

    def share(self, pattern: re.Pattern[str]) -> float:
        """The share of cells that contain a pattern."""
        return sum(pattern.search(cell) is not None for cell in self._some) / max(1, len(self._some))

    def all_are(self, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern matches every non-empty cell entirely."""
        return all(pattern.fullmatch(cell) for cell in self.distinct)

    @cached_property
    def is_phonemes(self) -> bool:
        """Whether the cells are IPA, ARPAbet, or syllables with tone numbers."""
        if self.share(_IPA) >= 0.7:
            return True
        sounds = [sound for cell in self._some for sound in cell.split()]
        numbered = sum(_NUMBERED_SOUND.fullmatch(sound) is not None for sound in sounds)
        other = sum(_SOUND.fullmatch(sound) is None for sound in sounds)
        return len(sounds) > 0 and 5 * numbered >= len(sounds) and 20 * other <= len(sounds) and self.words >= 2

    @cached_property
    def is_surely_phonemes(self) -> bool:
        """Whether they are phonemes, and not an orthography with IPA letters."""
        return self.is_phonemes and (self.share(_STRESS) >= 0.5 or self.share(_IPA) < 0.7)

    @cached_property
    def is_integer(self) -> bool:
        """Whether all cells are whole numbers, as speaker ids may be."""
        return self.all_are(_INTEGER)

    @cached_property
    def is_category(self) -> bool:
        """Whether all cells are languages, or words for a sex, an age, an emotion or a subset."""
        return self.is_language or all(cell.casefold() in _CATEGORIES for cell in self.distinct)

    @cached_property
    def is_language(self) -> bool:
        """Whether all cells are language codes."""
        return self.all_are(_LANGUAGE) and all(cell[:2].lower() in _LANGUAGES for cell in self.distinct)

    @cached_property
    def is_measure(self) -> bool:
        """Whether all cells are numbers that count or measure, not ids."""
        return self.all_are(_NUMBERS) and not (self.is_integer and (self._repeated or self._counts_up))

    @cached_property
    def is_name(self) -> bool:
        """Whether the cells may be speakers: short and repeated."""
        repeated = self._repeated or (self.words <= 1 and self.variety <= 0.9 and not self.all_are(_NUMBER))
        repeated = repeated or (self.is_integer and self._counts_up)
        return repeated and all(
            _HASH.fullmatch(cell)
            or (len(cell) <= LONGEST_NAME and not (cell.isdecimal() and not _INTEGER.fullmatch(cell)))
            for cell in self.distinct
        )

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every row has its own single word."""
        return self.variety > 0.9 and len(self.filled) >= FEW_ROWS and self.words <= 1

    @property
    def _repeated(self) -> bool:
        return 2 * len(self.distinct) <= len(self.filled) or len(self.filled) < FEW_ROWS

    @cached_property
    def _counts_up(self) -> bool:
        """Whether the whole numbers are nearly consecutive, and some are repeated."""
        numbers = [int(cell) for cell in self.distinct]
        return self.variety <= 0.9 and max(numbers) - min(numbers) < 2 * len(numbers)

    @cached_property
    def with_digits(self) -> int:
        """The number of cells with a digit."""
        return sum(any(character.isdigit() for character in cell) for cell in self._some)


def share_alike(one: Column, other: Column) -> float:
    """The share of rows in which two columns have similar text."""
    pairs = [(a, b) for a, b in zip(one.cells, other.cells, strict=True) if a and b]
    some = pairs[:: max(1, len(pairs) // _SAMPLED)]
    return sum(_alike(a, b) for a, b in some) / max(1, len(some))


def is_function(of: Column, column: Column) -> bool:
    """Whether one column is a function of the other, as the sex is one of the speaker."""
    known: dict[str, str] = {}
    return all(known.setdefault(one, other) == other for one, other in zip(of.cells, column.cells, strict=True))


def _alike(one: str, other: str) -> bool:
    """Whether two texts share at least half of their character bigrams (Dice's coefficient)."""
    first, second = ({*zip(f" {text}", f"{text} ", strict=True)} for text in (_plain(one), _plain(other)))
    return 4 * len(first & second) >= len(first) + len(second)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(cell: str) -> float:
    together = sum(map(_has_no_blanks, cell))
    return len(cell.split()) if together < 2 else max(len(cell.split()), together / 2)


def _has_no_blanks(character: str) -> bool:
    """Whether a letter belongs to a script without blanks between words."""
    code = ord(character)
    return 0x0E00 <= code <= 0x0FFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF or 0x3040 <= code <= 0x9FFF
