"""The figures of a corpus are those of its recordings."""

import json
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from configs import InputError
from data.clips import Clip
from data.corpus import Corpus
from data.corpus_summary import bandwidth_hz, summarise
from text import SymbolTable

RATE = 22050
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, "a": 3, "ˈ": 4, ".": 5})


def noise(seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(scale=0.1, size=round(seconds * rate)).astype(np.float32)


def clip(number: int, phonemes: list[int], seconds: float) -> Clip:
    audio = (noise(seconds) * 32767).astype(np.int16)
    return Clip(f"c{number}", "text", np.array(phonemes, np.int64), audio, 0)


def corpus() -> Corpus:
    # Of seven ids two are sounds: the others are blanks, the ends and marks.
    train = [clip(number, [1, 0, 3, 0, 5, 3, 2], 2.0) for number in range(3)]
    return Corpus(train, [clip(3, [1, 3, 2], 3.0)], SYMBOLS, ("anna", "ben"), None, "made up")


def test_sounds_are_counted_and_marks_are_not() -> None:
    summary = summarise(corpus(), RATE)
    assert summary.phonemes_per_second == pytest.approx((3 * 2 + 1) / 9.0, abs=0.01)
    assert summary.hours == pytest.approx(9.0 / 3600, abs=1e-4)
    assert (summary.clips, summary.validation_clips, summary.speakers) == (3, 1, ("anna", "ben"))


@pytest.mark.parametrize("source_rate", [8000, 16000, RATE])
def test_what_was_brought_up_from_a_lower_rate_has_that_ones_bandwidth(source_rate: int) -> None:
    sound = noise(3.0, source_rate)
    heard = bandwidth_hz([soxr.resample(sound, source_rate, RATE)], RATE)
    assert heard == pytest.approx(source_rate / 2, rel=0.04)


def test_it_is_written_as_json_or_refused_in_words(tmp_path: Path) -> None:
    summary = summarise(corpus(), RATE)
    summary.write(tmp_path / "corpus.json")
    written = json.loads((tmp_path / "corpus.json").read_text())
    assert written["speakers"] == ["anna", "ben"]
    assert written["bandwidth_hz"] == pytest.approx(RATE / 2, rel=0.01)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder: cannot be written"):
        summary.write(tmp_path / "folder")
