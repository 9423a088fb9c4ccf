"""The synthesizer's objective: every term by name, every weight in one place."""

import dataclasses

import pytest
import torch

from configs import LossSettings
from losses import SynthesizerObjective


def objective() -> SynthesizerObjective:
    return SynthesizerObjective(
        mel=torch.tensor(0.5),
        kl=torch.tensor(2.0),
        duration=torch.tensor(3.0),
        adversarial=torch.tensor(5.0),
        feature_matching=torch.tensor(7.0),
        subband_stft=torch.tensor(11.0),
    )


def test_total_is_the_weighted_sum_by_pencil() -> None:
    # 45 * 0.5 + 2 + 3 + 5 + 7
    assert objective().total(LossSettings()).item() == 39.5
    weights = LossSettings(mel=2.0, kl=0.5, duration=10.0, adversarial=0.0, feature_matching=3.0, subband_stft=2.0)
    # 1 + 1 + 30 + 0 + 21 + 22
    assert objective().total(weights).item() == 75.0


def test_a_term_that_is_left_out_is_not_named_and_may_have_no_weight() -> None:
    without = dataclasses.replace(objective(), subband_stft=None)
    assert list(without.named()) == ["mel", "kl", "duration", "adversarial", "feature_matching"]
    assert without.total(LossSettings()).item() == 39.5
    with pytest.raises(AssertionError):
        without.total(LossSettings(subband_stft=0.1))


def test_every_weight_belongs_to_the_term_of_its_name() -> None:
    for name, value in objective().named().items():
        alone = dict.fromkeys(LossSettings.model_fields, 0.0) | {name: 10.0}
        assert objective().total(LossSettings(**alone)).item() == pytest.approx(10 * value.item())


def test_terms_are_exactly_the_weights_of_the_settings_in_their_order() -> None:
    fields = [field.name for field in dataclasses.fields(SynthesizerObjective)]
    assert fields == list(LossSettings.model_fields) == list(objective().named())


def test_each_term_is_taught_by_its_weight() -> None:
    terms = {name: value.requires_grad_() for name, value in objective().named().items()}
    weights = LossSettings(mel=2.0, kl=0.5, duration=10.0, adversarial=0.0, feature_matching=3.0, subband_stft=4.0)
    gradients = torch.autograd.grad(SynthesizerObjective(**terms).total(weights), list(terms.values()))
    assert [gradient.item() for gradient in gradients] == [2.0, 0.5, 10.0, 0.0, 3.0, 4.0]
