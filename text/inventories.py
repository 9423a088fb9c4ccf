"""Phoneme inventories: the IPA letters of a language as espeak-ng writes them, which a corpus should cover.

Stress, length and other marks are left out, and so are sounds of loanwords only, such as the x of *loch*. The word
lists behind them are in tests/data/report/test_inventories.py.
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
