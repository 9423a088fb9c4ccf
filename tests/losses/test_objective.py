"""The generator's objective: every term by name, every weight in one place."""

import pytest
import torch
from torch import Tensor

from configs import LossSettings
from losses import generator_objective

VALUES = {"mel": 0.5, "kl": 2.0, "duration": 3.0, "adversarial": 5.0, "feature_matching": 7.0, "subband_stft": 11.0}


def terms() -> dict[str, Tensor]:
    return {name: torch.tensor(value) for name, value in VALUES.items()}


def test_the_objective_is_the_weighted_sum_by_pencil() -> None:
    # 45 * 0.5 + 2 + 3 + 5 + 7
    assert generator_objective(terms(), LossSettings().weights).item() == 39.5
    weights = LossSettings(mel=2.0, kl=0.5, duration=10.0, adversarial=0.0, feature_matching=3.0, subband_stft=2.0)
    # 1 + 1 + 30 + 0 + 21 + 22
    assert generator_objective(terms(), weights.weights).item() == 75.0


def test_a_term_may_be_left_out_where_it_has_no_weight() -> None:
    without = {name: term for name, term in terms().items() if name != "subband_stft"}
    assert generator_objective(without, LossSettings().weights).item() == 39.5
    with pytest.raises(KeyError, match="subband_stft"):
        generator_objective(without, LossSettings(subband_stft=0.1).weights)


def test_a_term_that_the_settings_do_not_know_is_refused() -> None:
    with pytest.raises(KeyError, match="loudness"):
        generator_objective(terms() | {"loudness": torch.tensor(1.0)}, LossSettings().weights)


def test_every_weight_belongs_to_the_term_of_its_name() -> None:
    for name, value in VALUES.items():
        alone = LossSettings.model_validate(dict.fromkeys(LossSettings().weights, 0.0) | {name: 10.0})
        assert generator_objective(terms(), alone.weights).item() == pytest.approx(10 * value)


def test_each_term_has_the_gradient_of_its_weight() -> None:
    named = {name: value.requires_grad_() for name, value in terms().items()}
    weights = LossSettings(mel=2.0, kl=0.5, duration=10.0, adversarial=0.0, feature_matching=3.0, subband_stft=4.0)
    gradients = torch.autograd.grad(generator_objective(named, weights.weights), list(named.values()))
    assert [gradient.item() for gradient in gradients] == [2.0, 0.5, 10.0, 0.0, 3.0, 4.0]
