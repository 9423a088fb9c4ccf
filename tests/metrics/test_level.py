"""Loudness, clipping and silence of recordings that were made so."""

import math

import numpy as np
import pytest

from metrics.level import level
from tests.metrics.conftest import RATE

TIME = np.arange(2 * RATE) / RATE
TONE = np.sin(2 * np.pi * 997 * TIME).astype(np.float32)


def test_a_full_tone_has_the_loudness_that_the_standard_says() -> None:
    found = level(np.float32(0.1) * TONE, RATE)
    assert found.loudness_lufs == pytest.approx(-23.01, abs=0.05)
    assert found.peak == pytest.approx(0.1, rel=1e-3)
    assert found.clipped_share == 0


def test_the_share_of_samples_in_flat_tops_is_counted() -> None:
    clipped = np.clip(2 * TONE, -1, 1)
    assert level(clipped, RATE).clipped_share == pytest.approx(np.mean(np.abs(clipped) == 1), abs=0.02)
    assert level(clipped, RATE).clipped_share > 0.5


@pytest.mark.parametrize("floor", [0.0, 1e-4])
def test_silence_within_counts_like_that_at_the_ends(floor: float) -> None:
    parts = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0]  # half of them silent
    speech = np.concatenate([gain * TONE[: RATE // 4] for gain in parts]) * 0.3
    speech += floor * np.random.default_rng(0).normal(size=len(speech))
    assert level(speech.astype(np.float32), RATE).silence_share == pytest.approx(0.5, abs=0.03)


def test_nothing_is_silent_from_end_to_end() -> None:
    assert level(np.zeros(RATE, np.float32), RATE).silence_share == 1
    assert math.isnan(level(np.zeros(RATE, np.float32), RATE).loudness_lufs)
    assert level(np.zeros(0, np.float32), RATE).silence_share == 1
    assert level(TONE, RATE).silence_share == 0
