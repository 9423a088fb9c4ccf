"""Old names of scalars become new ones, and new ones stay."""

import pytest

from monitoring.tags import present_tag


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loss/generator/mel", "loss/generator/mel"),
        ("loss/discriminator/total", "loss/discriminator/total"),
        ("discriminator_real/period_2", "loss/discriminator/real/period_2"),
        ("discriminator_fooled/scale_1", "loss/generator/adversarial/scale_1"),
        ("accuracy_fake/period_11", "discriminator_accuracy/generated/period_11"),
        ("passed_over/synthesizer", "skipped_updates/generator"),
        ("throughput/seconds_per_step", "throughput/seconds_per_step"),
        ("validation/mel", "validation/mel"),
        ("validation_newest/score", "validation_newest/score"),
        ("time/data", "time/data"),
    ],
)
def test_an_old_name_becomes_the_new_one_and_a_new_one_stays(old: str, new: str) -> None:
    assert present_tag(old) == new
    assert present_tag(new) == new
