"""The averaged weights are the exponential moving average, worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from training.ema import make_ema, update_ema
from training.schedule import ema_weight


def test_each_update_moves_the_average_by_one_minus_the_decay() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average = make_ema(network)
    expected = 1.0
    for step, value in enumerate([5.0, -2.0, 7.0], start=10_000):
        nn.init.constant_(network.weight, value)
        update_ema(average, network, ema_weight(0.9, step=step))
        expected = 0.9 * expected + 0.1 * value
        assert float(average.weight) == pytest.approx(expected)


def test_early_the_random_beginning_is_forgotten_faster() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average = make_ema(network)
    nn.init.constant_(network.weight, 0.0)
    update_ema(average, network, ema_weight(0.999, step=0))
    assert float(average.weight) == pytest.approx(1 / 10)  # the decay is (1 + 0) / (10 + 0)
    update_ema(average, network, ema_weight(0.999, step=1))
    assert float(average.weight) == pytest.approx(1 / 10 * 2 / 11)


def test_a_decay_of_zero_keeps_the_newest_weights() -> None:
    network = nn.Linear(3, 2)
    average = make_ema(network)
    nn.init.normal_(network.weight)
    update_ema(average, network, ema_weight(0.0, step=5))
    assert torch.equal(average.weight, network.weight)


def test_the_average_is_never_trained_and_the_network_stays_trainable() -> None:
    network = nn.Sequential(weight_norm(nn.Linear(2, 2)), nn.BatchNorm1d(2), nn.Dropout())
    average = make_ema(network)
    network(torch.randn(8, 2)).sum().backward()
    update_ema(average, network, ema_weight(0.5, step=100))
    assert not any(weight.requires_grad for weight in average.parameters())
    assert all(weight.requires_grad for weight in network.parameters())
    assert not average.training
    assert network.training
    statistics = average.get_buffer("1.running_mean")
    assert torch.equal(statistics, network.get_buffer("1.running_mean"))
    assert bool(statistics.abs().sum() > 0)


def test_a_share_on_the_device_moves_the_average_as_far() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3))
    near, far = make_ema(network), make_ema(network)
    for weight in network.parameters():
        nn.init.normal_(weight)
    update_ema(near, network, 0.3)
    update_ema(far, network, torch.tensor(0.3))
    for one, other in zip(near.parameters(), far.parameters(), strict=True):
        torch.testing.assert_close(one, other)
