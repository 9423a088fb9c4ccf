"""The benchmarks of speaking let all voices say the same in turn, and tell of every decoder."""

import math

from tests.benchmarks import copy_synthesis, synthesis
from tests.benchmarks.copy_synthesis import DECODERS, Copy
from tests.benchmarks.synthesis import HIGH, MEDIUM, THREADS, Contestant


def test_a_voice_with_more_to_do_takes_longer() -> None:
    larger = ("decoder.initial_channels=256",)
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


def test_the_table_has_a_row_for_each_decoder() -> None:
    copies = [Copy(name, 10, 1.0, math.nan, 0.5, 2.0) for name in DECODERS]
    assert [name in line for name, line in zip(DECODERS, copy_synthesis.table(copies).splitlines()[2:], strict=True)]
