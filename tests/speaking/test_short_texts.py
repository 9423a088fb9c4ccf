"""Few phonemes are spoken with less noise, many with all of it, and what the caller sets is kept."""

from itertools import pairwise

import pytest

from configs import SpeakingSettings
from speaking.options import ResolvedOptions, noise_share
from text import SymbolTable

PREFERS = SpeakingSettings(noise_scale=0.6, duration_noise_scale=0.9)
SYMBOLS = SymbolTable({symbol: place for place, symbol in enumerate("_^$ˈ.ab")})


def test_noise_grows_evenly_with_the_phonemes_and_is_whole_from_ten() -> None:
    shares = [noise_share(phonemes) for phonemes in range(30)]
    assert shares == sorted(shares)
    assert max(after - before for before, after in pairwise(shares)) < 0.07
    assert [share for share in shares if share == 1.0] == shares[10:]
    assert shares[1] == pytest.approx(0.4)


def test_a_long_sentence_has_the_very_noise_that_the_voice_prefers() -> None:
    options = ResolvedOptions.resolve(PREFERS)
    assert options.noise_scales(SYMBOLS.encode("ababababab").sounds) == (0.6, 0.9)
    sound, rhythm = options.noise_scales(SYMBOLS.encode("ab").sounds)
    assert sound / 0.6 == pytest.approx(rhythm / 0.9) == pytest.approx(noise_share(2))


def test_stress_and_marks_do_not_make_a_word_long() -> None:
    options = ResolvedOptions.resolve(PREFERS)
    assert options.noise_scales(SYMBOLS.encode("ˈa.ˈb......").sounds) == options.noise_scales(
        SYMBOLS.encode("ab").sounds
    )


def test_noise_that_the_caller_sets_is_kept_even_where_it_is_what_the_voice_prefers() -> None:
    word = SYMBOLS.encode("a")
    assert ResolvedOptions.resolve(PREFERS, noise_scale=0.6, duration_noise_scale=0.2).noise_scales(word.sounds) == (
        0.6,
        0.2,
    )
    sound, rhythm = ResolvedOptions.resolve(PREFERS, duration_noise_scale=0.9).noise_scales(word.sounds)
    assert sound < 0.6
    assert rhythm == 0.9


def test_what_cannot_be_asked_for_is_an_error_and_not_passed_over() -> None:
    with pytest.raises(TypeError, match="sped"):
        ResolvedOptions.resolve(PREFERS, sped=2)  # type: ignore[call-arg]
