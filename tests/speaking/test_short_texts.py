"""Few phonemes are spoken with less noise, many with all of it, and what the caller sets is kept."""

from itertools import pairwise

import pytest

from configs import SpeakingSettings
from speaking.manner import Manner
from speaking.short_texts import calm
from text import SymbolTable

PREFERS = SpeakingSettings(noise_scale=0.6, duration_noise_scale=0.9)
SYMBOLS = SymbolTable({symbol: place for place, symbol in enumerate("_^$ˈ.ab")})


def test_noise_grows_evenly_with_the_phonemes_and_is_whole_from_ten() -> None:
    shares = [calm(phonemes) for phonemes in range(30)]
    assert shares == sorted(shares)
    assert max(after - before for before, after in pairwise(shares)) < 0.07
    assert [share for share in shares if share == 1.0] == shares[10:]
    assert shares[1] == pytest.approx(0.4)


def test_a_long_sentence_has_the_very_noise_that_the_voice_prefers() -> None:
    manner = Manner.chosen(PREFERS)
    assert manner.noise_scales(SYMBOLS.encode("ababababab")) == (0.6, 0.9)
    sound, rhythm = manner.noise_scales(SYMBOLS.encode("ab"))
    assert sound / 0.6 == pytest.approx(rhythm / 0.9) == pytest.approx(calm(2))


def test_stress_and_marks_do_not_make_a_word_long() -> None:
    manner = Manner.chosen(PREFERS)
    assert manner.noise_scales(SYMBOLS.encode("ˈa.ˈb......")) == manner.noise_scales(SYMBOLS.encode("ab"))


def test_noise_that_the_caller_sets_is_kept_even_where_it_is_what_the_voice_prefers() -> None:
    word = SYMBOLS.encode("a")
    assert Manner.chosen(PREFERS, noise_scale=0.6, duration_noise_scale=0.2).noise_scales(word) == (0.6, 0.2)
    sound, rhythm = Manner.chosen(PREFERS, duration_noise_scale=0.9).noise_scales(word)
    assert sound < 0.6
    assert rhythm == 0.9


def test_what_cannot_be_asked_for_is_an_error_and_not_passed_over() -> None:
    with pytest.raises(TypeError, match="sped"):
        Manner.chosen(PREFERS, sped=2)  # type: ignore[call-arg]
