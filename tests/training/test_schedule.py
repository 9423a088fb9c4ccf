"""The learning rate follows from the place in training alone."""

import pytest
import torch

from configs import TrainSettings
from training.schedule import learning_rate


def test_it_decays_per_epoch_as_torchs_exponential_schedule() -> None:
    settings = TrainSettings(learning_rate=2e-4, learning_rate_decay=0.999875)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2e-4)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.999875)
    for epoch in range(50):
        assert learning_rate(settings, step=100 * epoch, epoch=epoch) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_it_rises_linearly_and_reaches_its_value_at_the_end_of_the_warm_up() -> None:
    settings = TrainSettings(learning_rate=1.0, learning_rate_decay=1.0, warmup_steps=4)
    assert [learning_rate(settings, step=step, epoch=0) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_without_a_warm_up_the_first_step_has_the_whole_rate() -> None:
    assert learning_rate(TrainSettings(learning_rate=3.0), step=0, epoch=0) == 3.0
