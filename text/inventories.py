"""The IPA letters that a language is spoken with, as espeak-ng writes them: what a corpus should cover.

Stress, length and other marks are left out, and so are sounds that only loanwords have, such as the x of *loch*. The
letters are those of a list of words, which tests/data/report/test_inventories.py holds.
"""

from collections.abc import Mapping

_BRITISH = "abdefhijklmnpstuvwzðŋɐɑɒɔəɛɜɡɪɹʃʊʌʒθ"

INVENTORIES: Mapping[str, str] = {
    "en-us": "abdefhijklmnopstuvwzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒʔθᵻ",
    "en-gb": _BRITISH,
    "en": _BRITISH,  # espeak-ng's other name for it
    "nl": "abdefhijklmnoprstuvwxyzøŋœɑɔəɛɣɪɲɵʃʊʋʌʒ",
    "de": "abcdefhijklmnoprstuvxyzøŋœɐɑɔəɛɜɡɪɾʃʊʏʒ",
}
