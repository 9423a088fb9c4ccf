"""The benchmarks of speaking let all voices say the same in turn, and judge a copy by its recording."""

import math

import numpy as np
import pytest

from tests.benchmarks import copy_synthesis, synthesis
from tests.benchmarks.copy_synthesis import DECODERS, Copy
from tests.benchmarks.synthesis import HIGH, MEDIUM, THREADS, Contestant


def test_a_voice_with_more_to_do_takes_longer() -> None:
    larger = ("decoder.initial_channels=512",)
    voices = [
        Contestant(MEDIUM, "tiny", as_torch_exports=True),
        Contestant(HIGH, "tiny", larger),
        Contestant("x", "tiny"),
    ]
    (medium, high, same), seconds = synthesis.measure(voices, rounds=3)
    assert 2 < seconds < 20
    assert high.parameters > same.parameters == medium.parameters
    assert high.decoder_gigaflops > 10 * same.decoder_gigaflops > 0
    for threads in THREADS:
        assert same.ratios[HIGH, threads] > 1 > high.ratios[MEDIUM, threads] > 0
    assert synthesis.table([medium, high, same]).count("\n") == 4


def test_a_recording_is_its_own_best_copy() -> None:
    generator = np.random.default_rng(0)
    syllables = np.repeat(generator.random(20), 2205)
    speech = (syllables * generator.standard_normal(len(syllables)) / 10).astype(np.float32)
    noisy = (speech + generator.standard_normal(len(speech)) / 10).astype(np.float32)
    _, own = copy_synthesis._quality(speech, speech, rate=22050)
    _, other = copy_synthesis._quality(speech, noisy, rate=22050)
    assert own == pytest.approx(1, abs=1e-3)
    assert other < 0.9


def test_the_table_has_a_row_for_each_decoder() -> None:
    copies = [Copy(name, 10, 1.0, math.nan, 0.5, 2.0) for name in DECODERS]
    assert [name in line for name, line in zip(DECODERS, copy_synthesis.table(copies).splitlines()[2:], strict=True)]
