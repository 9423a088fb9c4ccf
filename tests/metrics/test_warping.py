"""Dynamic time warping: against brute force, librosa, and sentences that were stretched."""

import math
from collections.abc import Iterator

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.spectra import log_mel
from metrics.warping import warp
from tests.metrics.conftest import RATE, harmonic_tone
from tests.metrics.degradation import warped_mel_distance


def every_path(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    """All paths from the first pair to the last."""
    if rows == columns == 1:
        yield [(0, 0)]
    for back in ((1, 0), (0, 1), (1, 1)):
        if rows > back[0] and columns > back[1]:
            for path in every_path(rows - back[0], columns - back[1]):
                yield [*path, (rows - 1, columns - 1)]


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1000))
def test_no_path_costs_less(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=(rows, 3)), rng.normal(size=(columns, 3))
    costs = np.linalg.norm(one[:, None] - two[None], axis=2)
    cheapest = min(sum(costs[pair] for pair in path) for path in every_path(rows, columns))
    path = warp(one, two)
    assert costs[path.reference, path.other].sum() == pytest.approx(cheapest)
    assert list(zip(path.reference, path.other, strict=True)) in list(every_path(rows, columns))


def test_the_path_costs_what_librosa_says() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(300, 80)).cumsum(0), rng.normal(size=(340, 80)).cumsum(0)
    path = warp(one, two)
    total, _ = librosa.sequence.dtw(one.T, two.T)
    assert np.linalg.norm(one[path.reference] - two[path.other], axis=1).sum() == pytest.approx(total[-1, -1])


def test_frames_that_were_repeated_find_their_own() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(200, 20))
    source = np.repeat(np.arange(200), rng.integers(1, 4, size=200))
    path = warp(frames, frames[source])
    np.testing.assert_array_equal(path.reference, source)
    np.testing.assert_array_equal(path.other, np.arange(len(source)))


def test_a_pause_within_changes_a_warped_distance_less_than_a_plain_one() -> None:
    tone = harmonic_tone(np.geomspace(100, 300, RATE), RATE)
    paused = np.concatenate((np.zeros(RATE // 2, np.float32), tone))
    padded = np.concatenate((tone, np.zeros(RATE // 2, np.float32)))
    assert warped_mel_distance(tone, tone, RATE) == 0
    plain = np.abs(log_mel(padded, RATE) - log_mel(paused, RATE)).mean()
    assert warped_mel_distance(padded, paused, RATE) < 0.7 * plain


def test_less_than_a_frame_has_no_distance() -> None:
    assert math.isnan(warped_mel_distance(np.zeros(100, np.float32), np.zeros(RATE, np.float32), RATE))
