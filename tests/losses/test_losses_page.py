"""The table of docs/losses.md tells every weight and every option of [loss], and each of its choices, and no other."""

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from configs import LossSettings
from configs.training import LossWeights
from training.auxiliary_losses import AuxiliaryLoss

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "losses.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in re.findall(r"^\| (?!loss )(.*\|)$", PAGE.partition("\n## ")[0], flags=re.MULTILINE)
]


def named() -> set[str]:
    """The settings in the first column."""
    return {name for first, *_ in ROWS for name in re.findall(r"`(\w+)`", first)}


def test_every_row_has_a_name_a_formula_its_needs_its_use_and_its_cost() -> None:
    assert len(ROWS) > 25
    for row in ROWS:
        assert len(row) == 5, row
        assert all(row), row


def test_every_weight_and_every_option_is_in_the_table() -> None:
    assert set(LossSettings.model_fields) - named() == set()


def test_every_choice_of_an_option_is_in_a_row_of_it() -> None:
    literals = {
        name: [value for value in get_args(field.annotation) if isinstance(value, str)]
        for name, field in LossSettings.model_fields.items()
        if get_origin(field.annotation) is Literal
    }
    assert {"adversarial_objective", "feature_matching_kind", "mel_distance"} <= literals.keys()
    for name, choices in literals.items():
        rows = " ".join(first for first, *_ in ROWS if f"`{name}`" in first)
        told = set(re.findall(r"\w+", rows))
        missing = set(choices) - told - {"fixed"}  # fixed weights are what all other rows have
        assert not missing, (name, missing)


def test_the_defaults_that_it_tells_are_those_of_the_settings() -> None:
    told = {(name, value) for first, *_ in ROWS for name, value in re.findall(r"`(\w+)` = ([\d.]+)", first)}
    defaults = {(name, f"{field.default:g}") for name, field in LossWeights.model_fields.items() if field.default}
    assert told == defaults


@pytest.mark.parametrize("name", sorted(AuxiliaryLoss.of_weight))
def test_what_is_off_by_default_has_a_row_with_a_cost(name: str) -> None:
    (cost,) = [row[-1] for row in ROWS if re.match(rf"`{name}`", row[0])][:1]
    assert re.search(r"\d %", cost)
