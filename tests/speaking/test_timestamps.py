"""Timestamps: side by side, to the sample, and the same whatever format they are written in."""

import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from speaking.engine import Silence, SpeechSegment, SpokenSentence
from speaking.timestamps import SpokenWord, Timed, Timeline, Timestamps, write_timestamps
from text import Encoded, SymbolTable

RATE, HOP = 1000, 10


def utterance(text: str, frames: list[int], *, has_ends: bool = True) -> SpokenSentence:
    """A sentence of letters whose words are between spaces."""
    alphabet = "^$ ,abcdefghijklmnopqrstuvwxyz" if has_ends else " ,abcdefghijklmnopqrstuvwxyz"
    encoded: Encoded = SymbolTable({symbol: place for place, symbol in enumerate("_" + alphabet)}).encode(text)
    assert len(frames) == len(encoded.ids)
    places = [0, *(place + 1 for place, symbol in enumerate(text) if symbol == " "), len(text) + 1]
    spans = [(first, first + len(text[first : after - 1].rstrip(","))) for first, after in itertools.pairwise(places)]
    words = [SpokenWord(text[first:after].upper(), first, after, True) for first, after in spans]
    samples = sum(frames) * HOP
    audio = np.zeros(samples, np.float32)
    return SpokenSentence(samples, np.array(frames), lambda: audio, lambda: iter([audio]), encoded, lambda: words)


def timestamps(*said: SpeechSegment) -> Timestamps:
    timeline = Timeline(RATE)
    assert list(timeline.record(said)) == list(said)
    return timeline.timestamps


def test_a_symbol_lasts_to_the_end_of_its_blank_and_a_word_from_its_first_to_its_last() -> None:
    #                          ^  _  a  _  b  _     _  c  _  $
    (sentence,) = timestamps(utterance("ab c", [3, 1, 2, 1, 5, 2, 4, 0, 1, 1, 6])).sentences
    assert [(one.text, one.start, one.end) for one in sentence.phonemes] == [
        ("^", 0.0, 0.04),
        ("a", 0.04, 0.07),
        ("b", 0.07, 0.14),
        (" ", 0.14, 0.18),
        ("c", 0.18, 0.20),
        ("$", 0.20, 0.26),
    ]
    assert [(word.text, word.phonemes, word.start, word.end) for word in sentence.words] == [
        ("AB", "ab", 0.04, 0.14),
        ("C", "c", 0.18, 0.20),
    ]
    assert (sentence.text, sentence.start, sentence.end) == ("AB C", 0.0, 0.26)


def test_a_voice_without_start_and_end_symbols_begins_with_its_first_blank() -> None:
    (sentence,) = timestamps(utterance("ab", [2, 3, 1, 4, 5], has_ends=False)).sentences
    assert [(one.text, one.start, one.end) for one in sentence.phonemes] == [
        ("_", 0.0, 0.02),
        ("a", 0.02, 0.06),
        ("b", 0.06, 0.15),
    ]


def test_silences_move_what_follows_and_the_last_time_is_the_length_of_the_audio() -> None:
    first, second = utterance("a", [1, 1, 1, 1, 1]), utterance("b", [2, 2, 2, 2, 2])
    said: list[SpeechSegment] = [Silence(7), first, Silence(123), second]
    times = timestamps(*said)
    assert [(one.start, one.end) for one in times.sentences] == [(0.007, 0.057), (0.18, 0.28)]
    assert times.seconds == times.sentences[-1].phonemes[-1].end == sum(len(one.whole()) for one in said) / RATE
    assert timestamps(*said, Silence(20)).seconds == pytest.approx(0.3)


def test_a_sentence_of_no_frames_is_the_one_frame_that_is_heard() -> None:
    silent = utterance("a", [0, 0, 0, 0, 0])
    audio = np.zeros(HOP, np.float32)
    shortest = replace(silent, samples=HOP, whole=lambda: audio, chunks=lambda: iter([audio]))
    (sentence,) = timestamps(shortest).sentences
    assert (sentence.start, sentence.end) == (0.0, HOP / RATE)


def test_json_has_everything_and_tsv_a_line_for_each(tmp_path: Path) -> None:
    times = timestamps(utterance("ab c", [3, 1, 2, 1, 5, 2, 4, 0, 1, 1, 6]), Silence(10), utterance("d", [1] * 5))
    for kind in ("json", "tsv"):
        write_timestamps(tmp_path / f"a.{kind}", times)
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(json.dumps(asdict(times)))
    rows = [line.split("\t") for line in (tmp_path / "a.tsv").read_text().splitlines()]
    assert rows[0] == ["start", "end", "kind", "text"]
    every: list[Timed] = [one for s in times.sentences for one in (s, *s.words, *s.phonemes)]
    assert [(start, end, text) for start, end, _, text in rows[1:]] == [
        (f"{one.start:.6f}", f"{one.end:.6f}", one.text) for one in every
    ]


def test_subtitles_can_be_read_and_follow_each_other(tmp_path: Path) -> None:
    text = " ".join(["abcdefghi"] * 10 + ["abcdefghi,"] + ["abc"] * 12)
    said = utterance(text, [1] * (2 * len(text) + 3))
    write_timestamps(tmp_path / "a.srt", timestamps(Silence(3_600_000), said))
    cues = [cue.splitlines() for cue in (tmp_path / "a.srt").read_text().strip().split("\n\n")]
    assert [int(cue[0]) for cue in cues] == list(range(1, len(cues) + 1))
    assert " ".join(cue[2] for cue in cues) == " ".join(word.text for word in said.words())
    assert len(cues) >= 2
    assert max(len(cue[2]) for cue in cues) <= 80
    starts, ends = zip(*(cue[1].split(" --> ") for cue in cues), strict=True)
    assert all(before <= after for before, after in zip(ends, starts[1:], strict=False))
    assert starts[0] == "01:00:00,020"
    seconds = 3600 + said.samples / RATE
    assert ends[-1] == f"01:00:{seconds - 3600:06.3f}".replace(".", ",")
