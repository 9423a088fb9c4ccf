"""Reading LJSpeech's raw column and comparing with what its makers say is spoken: a test that nobody here wrote.

Two readings are of the same words when they have the same letters and digits between spaces, hyphens and other marks;
capitals and full stops aside (U.S. is us), and an abbreviation is the word that the corpus's own list of abbreviations
gives for it. They sound the same when espeak-ng gives them the same phonemes, marks and spaces aside.

The rules were made with one half of the rows in sight; the other half is only counted.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from text import EspeakPhonemiser, normalise

TABLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "ljspeech_text" / "metadata.csv"
# The abbreviations that the corpus leaves in its normalised column, as its README expands them.
ABBREVIATIONS = {
    "mr": "mister", "mrs": "misess", "dr": "doctor", "st": "saint", "co": "company", "jr": "junior", "maj": "major",
    "gen": "general", "drs": "doctors", "rev": "reverend", "lt": "lieutenant", "hon": "honorable",
    "sgt": "sergeant", "capt": "captain", "esq": "esquire", "ltd": "limited", "col": "colonel", "ft": "fort",
}  # fmt: skip
Row = tuple[str, str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    if not TABLE.exists():
        pytest.skip(f"the transcripts of LJSpeech are not present: {TABLE}")
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [(name, raw, spoken) for name, raw, spoken in (line.split("|") for line in lines)]


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFC", text).casefold().replace("’", "'").replace(".", "")
    return [ABBREVIATIONS.get(word, word) for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain)]


def in_half(rows: list[Row], half: str) -> list[Row]:
    odd = half == "unseen"
    return [r for r in rows if r[1] != r[2] and hashlib.sha256(r[0].encode()).digest()[0] % 2 == odd]


def share(rows: list[Row], same: Callable[[str, str], bool]) -> float:
    return sum(same(normalise(raw), spoken) for _, raw, spoken in rows) / len(rows)


@pytest.mark.parametrize("half", ["tuned on", "unseen"])
def test_at_least_95_percent_of_the_rows_are_read_in_the_makers_words(rows: list[Row], half: str) -> None:
    assert share(in_half(rows, half), lambda ours, theirs: words(ours) == words(theirs)) >= 0.95


@pytest.mark.parametrize("half", ["tuned on", "unseen"])
def test_at_least_95_percent_of_the_rows_sound_as_the_makers_words_do(rows: list[Row], half: str) -> None:
    pytest.importorskip("piper")
    phonemise = EspeakPhonemiser("en-us")

    def sounds(text: str) -> str:
        symbols = "".join(symbol for sentence in phonemise(text) for symbol in sentence)
        return "".join(symbol for symbol in symbols if symbol.isalpha() and symbol not in "ˈˌ")

    assert share(in_half(rows, half), lambda ours, theirs: sounds(ours) == sounds(theirs)) >= 0.95


def test_words_that_need_no_reading_stay(rows: list[Row]) -> None:
    untouched = [row for row in rows if row[1] == row[2]]
    assert len(untouched) > 6000
    assert share(untouched, lambda ours, theirs: words(ours) == words(theirs)) > 0.999


def test_what_is_already_read_stays(rows: list[Row]) -> None:
    assert sum(words(normalise(spoken)) == words(spoken) for _, _, spoken in rows) > 0.999 * len(rows)
