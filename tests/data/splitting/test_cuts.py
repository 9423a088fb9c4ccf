"""Where texts end in recordings: silences, units of a text, and the cheapest way to match them."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.splitting import cuts
from data.splitting.aligner import Floats, Samples, TranscriptAligner, align
from data.splitting.cuts import Cut, ends_of, find_cuts, match
from data.splitting.silences import Silences, find_silences
from data.splitting.units import Unit, units_of
from text import TextFrontEnd, grapheme_symbols

RATE = 22050


def front_end(text: str) -> TextFrontEnd:
    return TextFrontEnd(kind="graphemes", language="en-us", symbols=grapheme_symbols([text]))


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("One two. Three four!", [("One two.", True), ("Three four!", True)]),
        ("Well, yes; and no.", [("Well,", False), ("yes;", False), ("and no.", True)]),
        ('He said: "Go!" Then he went.', [("He said:", False), ('"Go!"', True), ("Then he went.", True)]),
        ("A heading\n\nAnd a line\nof prose.", [("A heading", True), ("And a line of prose.", True)]),
        ("At 3.5 km. He ran.", [("At 3.5 km.", True), ("He ran.", True)]),
        ("No end", [("No end", True)]),
        (":: One, two.", [(":: One,", False), ("two.", True)]),
        ("", []),
    ],
)
def test_a_text_is_cut_after_sentences_and_clauses(text: str, units: list[tuple[str, bool]]) -> None:
    assert [(unit.text, unit.ends_sentence) for unit in units_of(text, front_end(text + "km"))] == units


def test_no_sentence_ends_after_an_abbreviation() -> None:
    pytest.importorskip("piper")
    from text import piper_symbols

    espeak = TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())
    text = "Mr. Smith met Dr. Jones. They talked."
    assert [unit.text for unit in units_of(text, espeak)] == ["Mr. Smith met Dr. Jones.", "They talked."]


@settings(deadline=None, max_examples=60)
@given(st.text("ab ,.!?;:—\n\"'", max_size=60))
def test_units_have_every_word_of_the_text_once_and_in_order(text: str) -> None:
    units = units_of(text, front_end("ab"))
    joined = " ".join(unit.text for unit in units)
    letters = "".join(character for character in text if character.isalpha())
    assert "".join(character for character in joined if character.isalpha()) == letters
    assert all(unit.length > 0 for unit in units) or not letters


def speech(*parts: tuple[float, float], hiss: float = 1e-3) -> np.ndarray:
    """Parts of so many seconds at such a level, over a hiss."""
    rng = np.random.default_rng(0)
    loud = [rng.normal(scale=level, size=int(seconds * RATE)) for seconds, level in parts]
    audio = np.concatenate(loud)
    return (audio + rng.normal(scale=hiss, size=len(audio))).astype(np.float32)


def test_silences_are_found_where_they_are_and_short_ones_are_not() -> None:
    audio = speech((0.3, 0), (2, 0.1), (0.5, 0), (1, 0.1), (0.05, 0), (1, 0.1), (0.4, 0))
    silences = find_silences(audio, RATE)
    assert silences.starts == pytest.approx([0, 2.3, 4.85], abs=0.03)
    assert silences.ends == pytest.approx([0.3, 2.8, 5.25], abs=0.03)
    assert silences.spoken == pytest.approx([0, 2, 4.05], abs=0.08)
    assert silences.middles == pytest.approx([0, 2.55, 5.25], abs=0.03)


def test_a_part_that_is_spoken_softly_is_not_silent() -> None:
    audio = speech((4, 0.3), (0.4, 0), (4, 0.04), (0.4, 0), (4, 0.006), (0.4, 0), (4, 0.04), hiss=1e-4)
    assert find_silences(audio, RATE).starts[1:-1] == pytest.approx([4, 8.4, 12.8], abs=0.05)


def made_silences(spoken: list[float], lengths: list[float]) -> Silences:
    """Stretches of speech, with silences of such lengths between them."""
    starts, ends, before = [0.0], [0.0], [0.0]
    for stretch, length in zip(spoken, [*lengths, 0.0], strict=True):
        starts.append(ends[-1] + stretch)
        ends.append(starts[-1] + length)
        before.append(before[-1] + stretch)
    return Silences(np.array(starts), np.array(ends), np.array(before))


def cost_of(chosen: list[Cut], units: list[Unit], silences: Silences, cut_cost: float) -> float:
    """By the letter of its definition, without tables."""
    total = sum(unit.length for unit in units)
    usual = silences.spoken[-1] / total
    places = silences.middles.tolist()
    cost = 0.0
    for cut in chosen:
        expected = usual * sum(unit.length for unit in units[cut.first : cut.last])
        heard = silences.spoken[places.index(cut.end)] - silences.spoken[places.index(cut.start)]
        deviation = max(cuts.RATE_DEVIATION_OF_A_SECOND / math.sqrt(expected), cuts.LEAST_RATE_DEVIATION)
        cost += (math.log(heard / expected) / deviation) ** 2 + cut_cost
        if cut.last < len(units):
            index = places.index(cut.end)
            length = silences.ends[index] - silences.starts[index]
            cost += cuts.SHORT_SILENCE_COST * min(1, max(0, 1 - length / cuts.USUAL_SILENCE_SECONDS))
            cost += 0 if units[cut.last - 1].ends_sentence else cuts.CLAUSE_COST
    return cost


UNITS = st.lists(st.builds(Unit, st.just("text"), st.booleans(), st.integers(5, 40)), min_size=1, max_size=4)
STRETCHES = st.lists(st.tuples(st.floats(0.5, 5), st.floats(0.15, 1)), min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(UNITS, STRETCHES, st.floats(2, 12), st.sampled_from([cuts.MATCH_COST, cuts.CUT_COST, 3.0]))
def test_no_other_way_to_cut_costs_less(
    units: list[Unit], stretches: list[tuple[float, float]], longest: float, cut_cost: float
) -> None:
    silences = made_silences([spoken for spoken, _ in stretches], [length for _, length in stretches[:-1]])
    places = silences.middles.tolist()
    found = find_cuts(units, silences, shortest_seconds=0.6, longest_seconds=longest, cut_cost=cut_cost)
    lengths = np.cumsum([0, *(unit.length for unit in units)])
    shares, ways = lengths / lengths[-1], []
    for count in range(min(len(units), len(places) - 1)):
        for inner in itertools.combinations(range(1, len(units)), count):
            for between in itertools.combinations(range(1, len(places) - 1), count):
                edges = list(itertools.pairwise([0, *inner, len(units)]))
                times = list(itertools.pairwise([0, *between, len(places) - 1]))
                way = [
                    Cut(places[start], places[end], first, last, 1.0)
                    for (first, last), (start, end) in zip(edges, times, strict=True)
                ]
                near = all(
                    abs(share * silences.spoken[-1] - silences.spoken[place]) <= cuts.FURTHEST_SECONDS
                    for share, place in zip((shares[unit] for unit in inner), between, strict=True)
                )
                if near and all(0.6 <= cut.end - cut.start <= longest for cut in way):
                    ways.append(cost_of(way, units, silences, cut_cost))
    if not ways:
        assert found is None
        return
    assert found is not None
    assert cost_of(found, units, silences, cut_cost) == pytest.approx(min(ways), abs=1e-6)


def test_pieces_are_whole_in_order_and_within_bounds_and_follow_the_times_of_an_aligner() -> None:
    lengths = np.random.default_rng(1).integers(10, 60, size=80).tolist()
    units = [Unit(f"text {number}", number % 3 > 0, length) for number, length in enumerate(lengths)]
    silences = made_silences([length / 14 for length in lengths], [0.35] * 79)
    truth = silences.middles[1:]
    found = match(units, silences, longest_seconds=20)
    assert found is not None
    assert ends_of(found, len(units)) == pytest.approx(truth)
    pieces = find_cuts(units, silences, shortest_seconds=1, longest_seconds=20, times=ends_of(found, len(units)))
    assert pieces is not None
    assert [piece.first for piece in pieces] == [0, *(piece.last for piece in pieces[:-1])]
    assert [piece.start for piece in pieces] == [0, *(piece.end for piece in pieces[:-1])]
    assert (pieces[-1].last, pieces[-1].end) == (80, truth[-1])
    assert all(1 <= piece.end - piece.start <= 20 for piece in pieces)
    wrong = truth + np.random.default_rng(1).normal(scale=10, size=80)  # such an aligner does little harm
    misled = match(units, silences, longest_seconds=20, times=wrong)
    assert misled is not None
    assert np.mean(ends_of(misled, len(units)) == ends_of(found, len(units))) > 0.9


def test_windows_ask_about_every_text_and_give_the_true_times_back() -> None:
    truth = np.cumsum(np.random.default_rng(2).uniform(1, 9, size=50))
    edges = enumerate(itertools.pairwise([0, *truth]))
    guess = [Cut(start, end, index, index + 1, 1.0) for index, (start, end) in edges]
    texts = [str(index) for index in range(50)]
    asked = []

    def aligner(audio: Samples, sample_rate: int, texts: Sequence[str], speaker: str | None) -> Floats:
        first = int(texts[0])
        start = 0.0 if first == 0 else float(truth[first - 1])
        asked.append(len(audio) / sample_rate)
        assert len(audio) / sample_rate == pytest.approx(truth[int(texts[-1])] - start, abs=0.01)
        assert speaker == "ann"
        return truth[first : first + len(texts)] - start

    audio = np.zeros(int(truth[-1] * 100), np.float32)
    assert align(aligner, audio, 100, texts, guess, "ann") == pytest.approx(truth, abs=1e-6)
    assert max(asked) < 60


def test_a_recogniser_finds_texts_by_what_it_hears_and_mishears() -> None:
    texts = ["the first of them", "and then another one", "who knows", "the very last of all"]
    heard = {2: "the furst of them", 3: "and than an other", 1: "who nose", 4: "the fairy last off all"}
    parts = [(float(seconds), 0.1) for seconds in (2, 3, 1, 4)]
    audio = speech(*itertools.chain.from_iterable((part, (0.5, 0)) for part in parts))
    aligner = TranscriptAligner(lambda piece, rate: heard[round(len(piece) / rate - 0.5)])
    times = aligner(audio, RATE, texts, None)
    assert times == pytest.approx([2.25, 5.75, 7.25, 12], abs=0.45)
