"""The alignment metrics against alignments drawn by hand, and the phonemes against the symbols they are made of."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.alignment import Alignments, FreeAlignment
from evaluation.phonemes import phonemes_of
from evaluation.subject import Aligned
from models.alignment import search_durations
from text import Encoded, SymbolTable, piper_symbols

SECONDS = 0.0116  # of a frame
LETTERS = SymbolTable({"_": 0, "a": 1, "b": 2, "c": 3, "d": 4})


def drawn(choices: list[int], frames: list[int], *, sure: float = 50.0, letters: str = "abcd") -> FreeAlignment:
    """An alignment to four letters without ends: what each frame chooses among `_ab cd`, frames of each of these."""
    return both_ways(choices, frames, sure=sure, letters=letters).forwards


def both_ways(choices: list[int], frames: list[int], *, sure: float = 50.0, letters: str = "abcd") -> Alignments:
    """The same, and heard backwards."""
    encoded = LETTERS.encode(letters)
    phonemes = phonemes_of(encoded)
    scores = np.zeros((len(choices), len(encoded.ids)), np.float32)
    scores[np.arange(len(choices)), phonemes.starts[choices]] = sure
    counts = np.zeros(len(encoded.ids), np.int64)
    counts[phonemes.starts] = frames
    return Alignments.of(Aligned(scores, counts), phonemes, SECONDS)


def test_where_every_frame_chooses_what_the_path_gives_it_all_is_well() -> None:
    found = both_ways([0, 0, 1, 1, 2, 3, 3, 4], [2, 2, 1, 2, 1])
    assert found.sharpness == pytest.approx(1)
    assert found.coverage == 1
    assert (found.forwards.skipped, found.forwards.repeated, found.forwards.stretched) == (0, 0, 0)


def test_where_no_frame_knows_anything_certainty_is_the_share_of_the_ids_and_that_is_no_more_than_chance() -> None:
    found = both_ways([0] * 8, [2, 2, 1, 2, 1], sure=0.0)
    ids_of = np.array([1, 2, 2, 2, 2]) / 9  # a letter has a blank behind it, the first blank stands alone
    assert found.forwards.certain == pytest.approx(float(np.average(ids_of, weights=[2, 2, 1, 2, 1])))
    assert abs(found.sharpness) < 0.05  # the path dwells elsewhere the other way round
    assert found.coverage == 0


def test_likings_of_frames_that_have_nothing_to_do_with_the_text_are_worth_nothing() -> None:
    generator = np.random.default_rng(3)
    encoded = LETTERS.encode("abcdabdcbacdbadc")
    phonemes, frames = phonemes_of(encoded), 120
    certain, sharpness, coverage = [], [], []
    for _ in range(60):
        liked = generator.normal(scale=3.0, size=len(encoded.ids))  # by all frames
        drift = generator.normal(scale=0.7, size=(frames, len(encoded.ids))).cumsum(axis=0)
        scores = torch.from_numpy((liked + drift).astype(np.float32))
        path = search_durations(scores[None], torch.tensor([len(encoded.ids)]), torch.tensor([frames]))[0]
        found = Alignments.of(Aligned(scores.numpy(), path.numpy()), phonemes, SECONDS)
        certain.append(found.forwards.certain)
        sharpness.append(found.sharpness)
        coverage.append(found.coverage)
    assert np.mean(certain) > 0.4  # as sure as a voice that has learned to align
    for values in (sharpness, coverage):
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_of_phonemes_that_are_not_heard_nothing_can_be_repeated() -> None:
    assert np.isnan(drawn([0] * 8, [2, 2, 1, 2, 1]).repeated)


def test_a_phoneme_that_its_own_frames_do_not_choose_is_skipped() -> None:
    found = drawn([0, 0, 1, 1, 3, 3, 3, 4], [2, 2, 1, 2, 1])
    assert found.skipped == pytest.approx(1 / 4)
    assert found.coverage == pytest.approx(4 / 5)


def test_a_frame_that_takes_the_same_letter_elsewhere_for_its_own_knows_its_letter() -> None:
    # Both a and both b have the same priors: the first of each is as likely as the second.
    encoded = LETTERS.encode("abab")
    phonemes = phonemes_of(encoded)
    path = [0, 1, 1, 2, 2, 3, 3, 4, 4]
    scores = np.zeros((len(path), len(encoded.ids)), np.float32)
    for frame, letter in enumerate(path):
        alike = [0] if letter == 0 else [1, 3] if letter in (1, 3) else [2, 4]
        scores[frame, phonemes.starts[alike]] = 50
    frames = np.zeros(len(encoded.ids), np.int64)
    frames[phonemes.starts] = np.bincount(path)
    found = FreeAlignment.of(Aligned(scores, frames), phonemes, SECONDS)
    assert found.certain == pytest.approx(1)
    assert (found.coverage, found.skipped, found.repeated) == (1, 0, 0)


def test_a_phoneme_that_is_chosen_again_after_a_tenth_of_a_second_is_repeated_and_sooner_is_not() -> None:
    often = drawn([0, *[1] * 5, *[2] * 12, 1, 3, 4], [1, 5, 13, 1, 1])
    assert often.repeated == pytest.approx(1 / 4)
    assert drawn([0, *[1] * 5, *[2] * 3, 1, 3, 4], [1, 5, 4, 1, 1]).repeated == 0


def test_a_phoneme_of_more_than_half_a_second_is_stretched_and_a_pause_is_not() -> None:
    long = round(0.6 / SECONDS)
    path = [0] * long + [1] * long + [2, 3, 4]
    assert drawn(path, [long, long, 1, 1, 1]).stretched == pytest.approx(1 / 4)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=9))
def test_coverage_is_the_longest_rising_row_of_choices(choices: list[int]) -> None:
    rising = max(
        size
        for size in range(1, 6)
        for some in combinations(choices, size)
        if all(one < other for one, other in pairwise(some))
    )
    assert drawn(choices, [len(choices) - 4, 1, 1, 1, 1]).coverage == rising / 5


@given(st.text("ˈˌaɪɑːtʃ, .n̩", max_size=20), st.booleans())
def test_phonemes_are_all_the_symbols_in_order_and_begin_where_these_have_their_ids(text: str, ends: bool) -> None:
    table = piper_symbols()
    if not ends:
        table = SymbolTable({symbol: index for symbol, index in table.ids.items() if symbol not in "^$"})
    encoded = table.encode(text)
    phonemes = phonemes_of(encoded)
    assert "".join(phonemes.names) == "".join(("^", *encoded.symbols, "$") if ends else ("_", *encoded.symbols))
    assert [encoded.ids[start] for start in phonemes.starts] == [table.ids[name[0]] for name in phonemes.names]


def test_stress_and_length_belong_to_their_sound_and_pauses_stand_alone() -> None:
    encoded: Encoded = piper_symbols().encode("ˈɑːk, wˌɪn")
    phonemes = phonemes_of(encoded)
    assert phonemes.names == ("^", "ˈɑː", "k", ",", " ", "w", "ˌɪ", "n", "$")
    assert [name for name, sound in zip(phonemes.names, phonemes.is_sound, strict=True) if sound] == [
        *("ˈɑː", "k", "w", "ˌɪ", "n")
    ]
