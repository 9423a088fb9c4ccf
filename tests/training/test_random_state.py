"""Every generator continues where it was."""

import random
from pathlib import Path

import numpy as np
import torch

from training.random_state import random_state, restore_random_state, seed_everything


def draw() -> list[float]:
    return [random.random(), random.gauss(0, 1), float(np.random.rand()), float(torch.randn(()))]  # noqa: NPY002


def test_the_same_numbers_come_again_after_a_round_trip_through_a_file(tmp_path: Path) -> None:
    seed_everything(5)
    draw()
    torch.save(random_state(), tmp_path / "state.pt")
    expected = [draw(), draw()]
    seed_everything(6)
    restore_random_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [draw(), draw()] == expected


def test_one_seed_is_one_sequence_in_every_generator() -> None:
    sequences = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        sequences.append(draw())
    assert sequences[0] == sequences[1]
    assert all(first != other for first, other in zip(sequences[0], sequences[2], strict=True))
