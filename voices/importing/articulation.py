"""The nearest phoneme by articulatory features, as the chart of the International Phonetic Alphabet (2020) orders them.

A consonant has a place along the vocal tract, a manner and voicing; a vowel has height, backness and rounding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

# By manner, at each of the places 0 to 10: bilabial, labiodental, dental, alveolar, postalveolar, retroflex, palatal,
# velar, uvular, pharyngeal, glottal. Of each two symbols, the first is voiceless; a hyphen is no symbol.
_CONSONANTS = {
    "plosive": "pb -- -- td -- ʈɖ cɟ kɡ qɢ ʡ- ʔ-",
    "implosive": "-ɓ -- -- -ɗ -- -- -ʄ -ɠ -ʛ -- --",
    "click": "ʘ- -- ǀ- ǃ- -- -- ǂ- -- -- -- --",
    "affricate": "-- -- -- ʦʣ ʧʤ -- -- -- -- -- --",
    "nasal": "-m -ɱ -- -n -- -ɳ -ɲ -ŋ -ɴ -- --",
    "trill": "-ʙ -- -- -r -- -- -- -- -ʀ ʜʢ --",
    "tap": "-- -ⱱ -- -ɾ -- -ɽ -- -- -- -- --",
    "fricative": "ɸβ fv θð -- -- -- çʝ xɣ χʁ ħʕ hɦ",
    "sibilant": "-- -- -- sz ʃʒ ʂʐ ɕʑ ɧ- -- -- --",
    "lateral fricative": "-- -- -- ɬɮ -- -- -- -- -- -- --",
    "approximant": "-- -ʋ -- -ɹ -- -ɻ -j -ɰ -- -- --",
    "rounded approximant": "-- -- -- -- -- -- -ɥ ʍw -- -- --",
    "lateral": "-- -- -- -l -- -ɭ -ʎ -ʟ -- -- --",
    "lateral tap": "-- -- -- -ɺ -- -- -- -- -- -- --",
    "lateral, velarised": "-- -- -- -ɫ -- -- -- -- -- -- --",
}
# By height, 0 close to 6 open: front, central and back, each two unrounded and rounded.
_VOWELS = ("iy ɨʉ ɯu", "ɪʏ ᵻ- -ʊ", "eø ɘɵ ɤo", "-- ə- --", "ɛœ ɜɞ ʌɔ", "æ- ɐ- --", "aɶ -- ɑɒ")
_RHOTIC_VOWELS = {"ɚ": 3, "ɝ": 4}  # central, by height
_RHOTIC = "rɹɻɾɽʀʁɺ"  # the sounds that languages write as r
_CLOSED = ("plosive", "implosive", "click", "affricate", "nasal")
_TURBULENT = ("affricate", "fricative", "sibilant", "lateral fricative")


@dataclass(frozen=True)
class Articulation:
    """How a phoneme is made; each feature is as large as the difference that it makes."""

    vowel: float = 0.0
    place: float = 0.0
    closed: float = 0.0  # the mouth, at some time
    turbulent: float = 0.0
    sibilant: float = 0.0
    nasal: float = 0.0
    lateral: float = 0.0
    rhotic: float = 0.0
    voiced: float = 0.0
    trilled: float = 0.0
    tapped: float = 0.0
    inward: float = 0.0  # the airstream
    height: float = 0.0
    backness: float = 0.0
    rounded: float = 0.0

    def distance(self, other: "Articulation") -> float:
        """The sum of the differences of all features."""
        names = [feature.name for feature in fields(self)]
        return sum(abs(getattr(self, name) - getattr(other, name)) for name in names)


def nearest_phoneme(symbol: str, among: Iterable[str]) -> str | None:
    """The phoneme that is made most like this one; the first of equals.

    Args:
        symbol: of the International Phonetic Alphabet.
        among: the phonemes to choose from; other symbols are ignored.

    Returns:
        One of `among`; None if the symbol is no phoneme, or none of them is.
    """
    wanted = ARTICULATIONS.get(symbol)
    known = [other for other in among if other in ARTICULATIONS]
    if wanted is None or not known:
        return None
    return min(known, key=lambda other: wanted.distance(ARTICULATIONS[other]))


def _chart() -> dict[str, Articulation]:
    chart: dict[str, Articulation] = {}
    for manner, row in _CONSONANTS.items():
        for place, pair in enumerate(row.split()):
            for voicing, symbol in enumerate(pair):
                chart[symbol] = _consonant(symbol, manner, place, voicing)
    for height, row in enumerate(_VOWELS):
        for backness, pair in enumerate(row.split()):
            for rounded, symbol in enumerate(pair):
                chart[symbol] = _vowel(height, backness, rounded)
    for symbol, height in _RHOTIC_VOWELS.items():
        chart[symbol] = _vowel(height, 1, 0, rhotic=1.5)
    del chart["-"]
    return chart


def _consonant(symbol: str, manner: str, place: int, voicing: int) -> Articulation:
    return Articulation(
        place=0.3 * place,
        closed=1.0 * (manner in _CLOSED),
        turbulent=1.0 * (manner in _TURBULENT),
        sibilant=0.4 * (manner in ("sibilant", "affricate")),
        nasal=2.0 * (manner == "nasal"),
        lateral=1.5 * manner.startswith("lateral"),
        rhotic=3.0 * (symbol in _RHOTIC),
        voiced=0.75 * voicing,
        trilled=0.3 * (manner == "trill"),
        tapped=0.2 * manner.endswith("tap"),
        inward=1.0 * (manner in ("implosive", "click")),
        backness=0.3 * manner.endswith("velarised"),
        rounded=1.0 * manner.startswith("rounded"),
    )


def _vowel(height: int, backness: int, rounded: int, *, rhotic: float = 0.0) -> Articulation:
    return Articulation(
        vowel=10.0, voiced=0.75, height=0.45 * height, backness=1.0 * backness, rounded=0.75 * rounded, rhotic=rhotic
    )


ARTICULATIONS = _chart()
